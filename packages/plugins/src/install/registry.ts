import {errors} from '@cgpu/core/errors'
import {parseJson} from '@cgpu/core/state/json'
import {z} from 'zod'
import {type Answer, type Request, send, type Send, unreachable} from './http.ts'
import {shownAddress} from './shown-address.ts'
import {checkRegistry, isWebAddress, type RegistryConfig} from './npmrc.ts'

const text = z.string()
const person = z.union([text, z.looseObject({name: text.optional()})]).transform((one) => (typeof one === 'string' ? one : one.name))

/** One version, as the registry describes it. */
export const versionDocument = z.looseObject({
  name: text, version: text, description: text.optional().catch(undefined), license: z.union([text, z.looseObject({type: text})]).optional().catch(undefined),
  deprecated: z.union([text, z.boolean()]).optional().catch(undefined), _npmUser: person.optional().catch(undefined),
  maintainers: z.array(person).optional().catch(undefined), dependencies: z.record(text, text).optional().catch(undefined),
  dist: z.looseObject({
    tarball: text, integrity: text.optional(), shasum: text.optional(),
    signatures: z.array(z.looseObject({keyid: text, sig: text})).optional().catch(undefined),
    attestations: z.looseObject({url: text}).optional().catch(undefined),
  }),
})
export type VersionDocument = z.infer<typeof versionDocument>

const packument = z.looseObject({
  name: text, 'dist-tags': z.record(text, text).default({}), time: z.record(text, z.unknown()).default({}), versions: z.record(text, z.unknown()).default({}),
})
export type Packument = z.infer<typeof packument>

const keys = z.looseObject({keys: z.array(z.looseObject({keyid: text, key: text, expires: text.nullish()}))})
export type RegistryKey = z.infer<typeof keys>['keys'][number]

const found = z.looseObject({
  package: z.looseObject({
    name: text, version: text.optional(), 'dist-tags': z.looseObject({latest: text}).optional().catch(undefined), keywords: z.array(text).optional().catch(undefined), description: text.optional().catch(undefined), date: text.optional().catch(undefined),
    publisher: z.looseObject({username: text.optional()}).optional().catch(undefined),
  }),
  downloads: z.looseObject({monthly: z.number().optional()}).optional().catch(undefined),
})
const results = z.looseObject({objects: z.array(z.unknown())})
export type SearchResult = z.infer<typeof found>

const advisory = z.looseObject({id: z.union([z.number(), text]).optional(), url: text.optional(), title: text, severity: text.optional(), vulnerable_versions: text.optional()})
export type Advisory = z.infer<typeof advisory>

const maxDocument = 64 * 2 ** 20
export const maxTarball = 256 * 2 ** 20

/** The parts of npm's registry protocol that cgpu needs. What a registry cannot tell is undefined, and is said to be unknown. */
export class Registry {
  readonly config: RegistryConfig
  readonly #send: Send

  constructor(config: RegistryConfig, sender: Send = send) {
    this.config = config
    this.#send = sender
  }

  registryOf(name: string): string {
    return checkRegistry((name.startsWith('@') ? this.config.scopes.get(name.split('/')[0] ?? '') : undefined) ?? this.config.registry)
  }

  /** Undefined: there is no such package. */
  async packument(name: string): Promise<Packument | undefined> {
    const url = `${this.registryOf(name)}${name.replace('/', '%2f')}`
    const answer = await this.#get(url, {maxBytes: maxDocument})
    if (answer.status === 404) return undefined
    const parsed = packument.safeParse(this.#json(url, answer))
    if (!parsed.success || parsed.data.name !== name) throw unreachable(new URL(url), 'it answers something that describes no package')
    return parsed.data
  }

  async tarball(url: string): Promise<Buffer> {
    const answer = await this.#get(url, {maxBytes: maxTarball, accept: '*/*', timeoutMs: 300_000})
    if (answer.status === 404) throw errors.notFound(`there is no tarball at ${shownAddress(url)}`, {code: 'PLUGIN_NOT_FOUND', category: 'plugin', fix: 'check the address, or use another version'})
    this.#check(url, answer)
    return answer.body
  }

  /** The keys that the registry signs with; undefined where it has none. */
  async keys(name: string): Promise<RegistryKey[] | undefined> {
    return this.#maybe(`${this.registryOf(name)}-/npm/v1/keys`, (value) => keys.parse(value).keys)
  }

  /** Packages with the keyword cgpu-plugin that fit the words; undefined where the registry has no search. */
  async plugins(words: string): Promise<SearchResult[] | undefined> {
    const found = await this.search(`keywords:cgpu-plugin ${words}`.trim(), 100)
    if (found === undefined || found.length > 0) return found
    // verdaccio does not know that form, and tells the keywords
    const plain = await this.search(`cgpu-plugin ${words}`.trim(), 100)
    return plain?.filter(({package: {keywords}}) => keywords?.includes('cgpu-plugin'))
  }

  async search(query: string, size: number): Promise<SearchResult[] | undefined> {
    const url = `${checkRegistry(this.config.registry)}-/v1/search?text=${encodeURIComponent(query)}&size=${size}`
    return this.#maybe(url, (value) => results.parse(value).objects.flatMap((one) => {
      const parsed = found.safeParse(one)
      return parsed.success ? [parsed.data] : []
    }))
  }

  /** What a registry tells about itself: undefined where it does not say. */
  async downloads(name: string): Promise<number | undefined> {
    try {
      const hits = await this.#maybe(`${this.registryOf(name)}-/v1/search?text=${encodeURIComponent(name)}&size=5`, (value) => results.parse(value).objects, 3000)
      return hits?.map((one) => found.safeParse(one).data).find((one) => one?.package.name === name)?.downloads?.monthly
    } catch {
      return undefined // it is only said before a person decides
    }
  }

  /** Known holes of these versions, by package; undefined where the registry does not answer such questions. */
  async advisories(packages: Record<string, string[]>): Promise<Record<string, Advisory[]> | undefined> {
    const url = `${checkRegistry(this.config.registry)}-/npm/v1/security/advisories/bulk`
    const answer = await this.#get(url, {method: 'POST', json: packages, maxBytes: maxDocument})
    if (answer.status !== 200) return undefined
    return z.record(text, z.array(advisory)).safeParse(this.#json(url, answer)).data
  }

  async attestations(url: string): Promise<unknown> {
    // only where the package itself comes from: the address is the registry's own claim
    return new URL(url).origin === new URL(this.config.registry).origin ? this.#maybe(url, (value) => value) : undefined
  }

  async #maybe<T>(url: string, read: (value: unknown) => T, timeoutMs = 15_000): Promise<T | undefined> {
    const answer = await this.#get(url, {maxBytes: maxDocument, timeoutMs})
    if (answer.status >= 400 && answer.status < 500) return undefined
    try {
      return read(this.#json(url, answer))
    } catch (error) {
      if (error instanceof z.ZodError) return undefined
      throw error
    }
  }

  async #get(url: string, request: Request): Promise<Answer> {
    // what a registry names may be anything
    if (!isWebAddress(url)) throw errors.data(`the registry names an address that is none: ${shownAddress(url)}`, {code: 'PLUGIN_DOCUMENT', category: 'plugin', fix: 'use another version, or another registry with --registry'})
    return this.#send(url, {...request, authorization: this.config.authorization(url)})
  }

  #json(url: string, answer: Answer): unknown {
    this.#check(url, answer)
    try {
      return parseJson(answer.body.toString('utf8'))
    } catch {
      throw unreachable(new URL(url), 'it answers something that is not JSON')
    }
  }

  #check(url: string, {status}: Answer): void {
    if (status === 401 || status === 403) {
      throw errors.auth(`the registry at ${new URL(url).host} refuses (${status})`, {code: 'REGISTRY_REFUSED', fix: 'sign in with npm login, or check the token in ~/.npmrc'})
    }
    if (status !== 200) throw unreachable(new URL(url), `it answers ${status}`)
  }
}
