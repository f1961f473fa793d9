import {errors} from '../errors.ts'
import type {KernelHost} from '../provider.ts'
import {didYouMean} from '../text/closest.ts'
import {parseSecretRequest} from './request.ts'
import type {SecretSources} from './sources.ts'

/** The secrets that were granted to one execution, with their values. Nothing else of them leaves this machine. */
export class SecretGrants {
  readonly #values: ReadonlyMap<string, string>
  readonly #sources: SecretSources

  private constructor(values: ReadonlyMap<string, string>, sources: SecretSources) {
    this.#values = values
    this.#sources = sources
  }

  /**
   * `asked`: `NAME` or `NAME=SOURCE:REFERENCE`; of two with one name the last counts. Throws INVALID_SECRET_NAME,
   * INVALID_SECRET_REFERENCE (64), SECRET_NOT_FOUND (66), or as the source does, before anything is spent.
   */
  static async of(asked: readonly string[], sources: SecretSources): Promise<SecretGrants> {
    const requests = new Map(asked.map(parseSecretRequest).map((one) => [one.name, one]))
    const values = new Map<string, string>()
    for (const [name, {from}] of requests) {
      const value = from ? await sources.read({name, ...from}) : await sources.find(name)
      if (value === undefined) throw await missing(name, sources)
      values.set(name, value)
    }
    return new SecretGrants(values, sources)
  }

  /** As variables of a run. */
  env(): Record<string, string> {
    return Object.fromEntries(this.#values)
  }

  /**
   * What code on the machine is told when it asks. Of what was not granted it learns whether there is such a secret, and of
   * this process's environment nothing.
   */
  async ask(name: string): Promise<Awaited<ReturnType<KernelHost['secret']>>> {
    const value = this.#values.get(name)
    if (value !== undefined) return {exists: true, access: true, value}
    const known = await this.#sources.known().catch(() => new Map()) // a broken .env is told of where it is needed
    return {exists: known.has(name), access: false}
  }
}

async function missing(name: string, sources: SecretSources): Promise<Error> {
  const known = [...(await sources.known()).keys()]
  return errors.notFound(`there is no secret ${name}`, {
    code: 'SECRET_NOT_FOUND', category: 'usage',
    fix: [didYouMean(name, known), `cgpu secret set ${name}, or set it in the environment or in .env`].filter(Boolean).join(' '),
    details: {name},
  })
}
