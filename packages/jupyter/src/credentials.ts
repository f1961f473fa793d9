import type {ServerOptions} from './contract.ts'

/**
 * The headers that a server is asked with. After a 401 others are got: once for all requests that were refused meanwhile,
 * and not at all for one that was sent before the last time.
 */
export class Credentials {
  readonly #options: ServerOptions
  /** which headers were given out before which renewal */
  readonly #issued = new WeakMap<Record<string, string>, number>()
  #renewals = 0
  #renewing: Promise<boolean> | undefined

  constructor(options: ServerOptions) {
    this.#options = options
  }

  async headers(more: (own: Record<string, string>) => Record<string, string>): Promise<Record<string, string>> {
    const {token, userAgent, headers} = this.#options
    const before = this.#renewals
    const own = {
      ...(userAgent !== undefined && {'user-agent': userAgent}),
      ...(token !== undefined && token !== '' && {authorization: `token ${token}`}),
    }
    const all = {...more({...own, ...(await headers?.())})}
    this.#issued.set(all, before)
    return all
  }

  /** Whether it is worth to ask once more, after a 401 to these headers. */
  async renewed(refused: Record<string, string>): Promise<boolean> {
    const {reauthorize} = this.#options
    if (!reauthorize) return false
    if ((this.#issued.get(refused) ?? this.#renewals) < this.#renewals) return true
    this.#renewing ??= reauthorize(refused)
      .then(got => {
        if (got) this.#renewals++
        return got
      })
      .finally(() => (this.#renewing = undefined))
    return this.#renewing
  }
}
