import {createHash} from 'node:crypto'
import {readFile} from 'node:fs/promises'
import {createRequire} from 'node:module'
import {join} from 'node:path'
import type {TrustedRoot} from '@sigstore/protobuf-specs'
import {errors} from '@cgpu/core/errors'
import {writeAtomic} from '@cgpu/core/state/atomic'
import {isObject, parseJson} from '@cgpu/core/state/json'
import {sanitizeLine} from '@cgpu/core/text/line'

/** The keys and certificates that sigstore's services sign with. */
export interface KnownRoot {
  root: TrustedRoot
  /** false: as it was when it was last fetched, or when this cgpu was made. Keys that came later are not known */
  fresh: boolean
}

/** Where sigstore's keys come from: the public one's server by default. */
export interface SigstoreSource {
  /** address of a TUF repository: a mirror of the public sigstore's, or with `root` another one's */
  url?: string | undefined
  /** path of the root.json that a repository of one's own begins with */
  root?: string | undefined
}

export interface TrustedRootOptions {
  cacheDir: string
  offline: boolean
  /** a trusted_root.json that an organisation gives instead */
  file?: string | undefined
  source?: SigstoreSource | undefined
  onWarning?: (message: string) => void
  /** fetches it by TUF, into a folder; in tests something else */
  fetchRoot?: (cachePath: string, repository: Repository) => Promise<TrustedRoot>
}

interface Repository {
  url: string
  root: string | undefined
}

const publicSigstore = 'https://tuf-repo-cdn.sigstore.dev'
const target = 'trusted_root.json'
/** all of TUF's requests together */
const patienceMs = 10_000

/**
 * Fetches what sigstore's signatures are checked with; without a network what was known before. That a server which somebody chose gives
 * nothing is a warning. Throws PLUGIN_TRUSTED_ROOT (65) for a file that is none, SIGSTORE_URL_INVALID (64).
 */
export async function trustedRoot({cacheDir, offline, file, source = {}, onWarning, fetchRoot = byTuf}: TrustedRootOptions): Promise<KnownRoot | undefined> {
  if (file !== undefined) return {root: await ofFile(file), fresh: true}
  const {url, root} = source
  const from = addressOf(url ?? publicSigstore)
  // what was fetched by another root is not to be believed by this one
  const cachePath = join(cacheDir, 'plugins', 'sigstore', ...(root === undefined ? [] : [await digestOf(root)]))
  const asked = offline ? undefined : await within(patienceMs, fetchRoot(cachePath, {url: from.href, root})).then((found) => ({found}), (error: unknown) => ({why: reasonOf(error)}))
  if (asked && 'found' in asked) return {root: asked.found, fresh: true}
  // what TUF checked the last time stands in its cache; else, of the public one, what came with the library
  const kept = (await rootIn(() => readFile(join(cachePath, encodeURIComponent(from.host + from.path), 'targets', target), 'utf8'))) ?? (root === undefined ? await rootIn(() => seed(target)) : undefined)
  if (asked && url !== undefined) onWarning?.(`the keys of sigstore cannot be had from ${sanitizeLine(from.host, 200)} (${asked.why}): ${kept ? 'those that were known before are used' : 'provenance is not checked'}. correct CGPU_SIGSTORE_URL, or the setting sigstore-url`)
  return kept && {root: kept, fresh: false}
}

function addressOf(address: string): {href: string; host: string; path: string} {
  const url = URL.parse(address)
  if (!url || !/^https?:$/.test(url.protocol)) {
    throw errors.usage(`${sanitizeLine(address, 200)} is no address of a TUF repository`, {code: 'SIGSTORE_URL_INVALID', category: 'plugin', fix: 'give one that begins with https:// as CGPU_SIGSTORE_URL, or cgpu config set sigstore-url'})
  }
  // the library knows the public one without a slash at the end
  const path = url.pathname.replace(/\/$/, '')
  return {href: `${url.protocol}//${url.host}${path}`, host: url.host, path}
}

async function digestOf(root: string): Promise<string> {
  try {
    return createHash('sha256').update(await readFile(root)).digest('hex').slice(0, 16)
  } catch (error) {
    throw errors.data(`${sanitizeLine(root, 300)} cannot be read`, {code: 'PLUGIN_TRUSTED_ROOT', category: 'plugin', fix: 'correct CGPU_SIGSTORE_ROOT, or the setting sigstore-root', cause: error})
  }
}

/** The library says what it was doing, and what went wrong in the cause. */
const reasonOf = (error: unknown): string => (error instanceof Error && error.cause instanceof Error ? reasonOf(error.cause) : sanitizeLine(error instanceof Error ? error.message : String(error), 200))

async function ofFile(path: string): Promise<TrustedRoot> {
  const found = await rootIn(() => readFile(path, 'utf8'))
  if (found) return found
  throw errors.data(`${sanitizeLine(path, 300)} holds no trusted root of sigstore`, {code: 'PLUGIN_TRUSTED_ROOT', category: 'plugin', fix: 'correct trustedRoot in the policy of plugins, or ask whoever keeps it'})
}

async function rootIn(read: () => string | Promise<string>): Promise<TrustedRoot | undefined> {
  try {
    const value = parseJson(await read())
    const {TrustedRoot: Root} = await import('@sigstore/protobuf-specs')
    // an empty one trusts nobody, so that all would look forged
    return isObject(value) && Array.isArray(value['certificateAuthorities']) && value['certificateAuthorities'].length > 0 ? Root.fromJSON(value) : undefined
  } catch {
    return undefined
  }
}

/** Of what came with the library, for the public sigstore. */
function seed(name: 'root.json' | typeof target): string {
  const seeds: unknown = createRequire(import.meta.url)('@sigstore/tuf/seeds.json')
  const repository = isObject(seeds) ? seeds[publicSigstore] : undefined
  const {targets, ...own} = isObject(repository) ? repository : {}
  const held = name === target && isObject(targets) ? targets : own
  const text = held[name]
  return Buffer.from(typeof text === 'string' ? text : '', 'base64').toString('utf8')
}

async function byTuf(cachePath: string, {url, root}: Repository): Promise<TrustedRoot> {
  const {getTrustedRoot} = await import('@sigstore/tuf')
  return getTrustedRoot({cachePath, mirrorURL: url, ...(await rootFor(url, root, cachePath)), retry: 0, timeout: 5_000})
}

/** A mirror of the public sigstore begins with the root that came with the library. */
async function rootFor(url: string, root: string | undefined, cachePath: string): Promise<{rootPath?: string}> {
  if (root !== undefined) return {rootPath: root}
  if (url === publicSigstore) return {}
  const path = join(cachePath, 'public-root.json')
  await writeAtomic(path, seed('root.json'))
  return {rootPath: path}
}

async function within<T>(ms: number, work: Promise<T>): Promise<T> {
  const {promise, reject} = Promise.withResolvers<never>()
  const timer = setTimeout(() => reject(new Error('it takes too long')), ms)
  try {
    return await Promise.race([work, promise])
  } finally {
    clearTimeout(timer)
  }
}
