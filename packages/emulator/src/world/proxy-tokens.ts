import type {Clock, Dice, TokenVerdict} from '../contract.ts'

export interface ProxyToken {
  token: string
  endpoint: string
  port: number
  expiresAt: number
}

/** The tokens that machines' origins take. Each is good until its own end, however many come after it. */
export class ProxyTokens {
  readonly #clock: Clock
  readonly #dice: Dice
  readonly #ttl: () => number
  readonly #tokens = new Map<string, ProxyToken>()
  /** by machine and port */
  readonly #newest = new Map<string, ProxyToken>()

  /** `ttl` in seconds */
  constructor(clock: Clock, dice: Dice, ttl: () => number) {
    this.#clock = clock
    this.#dice = dice
    this.#ttl = ttl
  }

  mint(endpoint: string, port: number): ProxyToken {
    this.#forget()
    const token = {token: `emu-proxy-${this.#dice.hex('proxy-token', 20)}`, endpoint, port, expiresAt: this.#clock.now() + this.#ttl() * 1000}
    this.#tokens.set(token.token, token)
    this.#newest.set(`${endpoint} ${port}`, token)
    return token
  }

  /** A token that has at least half its life before it: lists show it, and do not fill the memory with new ones. */
  current(endpoint: string, port: number): ProxyToken {
    const enough = this.#clock.now() + this.#ttl() * 500
    const newest = this.#newest.get(`${endpoint} ${port}`)
    return newest !== undefined && newest.expiresAt >= enough ? newest : this.mint(endpoint, port)
  }

  check(endpoint: string, port: number, token: string): TokenVerdict {
    const known = this.#tokens.get(token)
    if (known === undefined || known.endpoint !== endpoint || known.port !== port) return 'unknown'
    return known.expiresAt > this.#clock.now() ? 'ok' : 'expired'
  }

  /** whole seconds that it is still good for */
  secondsLeft(token: ProxyToken): number {
    return Math.max(0, Math.round((token.expiresAt - this.#clock.now()) / 1000))
  }

  expireAll(): void {
    for (const token of this.#tokens.values()) token.expiresAt = Math.min(token.expiresAt, this.#clock.now())
  }

  remove(endpoint: string): void {
    for (const [key, token] of this.#newest) if (token.endpoint === endpoint) this.#newest.delete(key)
    for (const token of this.#tokens.values()) if (token.endpoint === endpoint) this.#tokens.delete(token.token)
  }

  /** Those that expired long ago: "unknown" is as true of them as "expired". */
  #forget(): void {
    const longAgo = this.#clock.now() - 24 * 3_600_000
    for (const token of this.#tokens.values()) {
      if (token.expiresAt > longAgo) break
      this.#tokens.delete(token.token)
    }
  }
}
