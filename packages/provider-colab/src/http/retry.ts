import type {Effects} from '../effects.ts'

const baseMs = 500
const backoffCapMs = 8_000
/** A server may ask for more patience than a person has. */
export const retryAfterCapMs = 30_000

/**
 * Milliseconds that `Retry-After` asks for: seconds or an HTTP date, which counts from the server's own `Date` where it
 * gave one. Capped; undefined when it is absent, negative, in the past or no time at all.
 */
export function retryAfterMs(header: string | undefined, serverDate: string | undefined, wall: number): number | undefined {
  if (header === undefined) return undefined
  const text = header.trim()
  const ms = /^\d+$/.test(text) ? Number(text) * 1000 : dateMs(text, serverDate, wall)
  return ms === undefined || !(ms > 0) ? undefined : Math.min(ms, retryAfterCapMs)
}

function dateMs(text: string, serverDate: string | undefined, wall: number): number | undefined {
  // Date.parse takes much that is no HTTP date: `-5` is a month of 2001
  if (!/^[A-Z][a-z]{2}, \d{2} [A-Z][a-z]{2} \d{4} /.test(text)) return undefined
  const until = Date.parse(text)
  const now = serverDate === undefined ? Number.NaN : Date.parse(serverDate)
  return Number.isNaN(until) ? undefined : until - (Number.isNaN(now) ? wall : now)
}

/** The wait before attempt `attempt` + 1: what the server asked for and a little more, else full jitter below a growing cap. */
export function waitBefore(attempt: number, asked: number | undefined, effects: Pick<Effects, 'random'>): number {
  if (asked !== undefined) return asked * (1 + effects.random() / 4)
  return effects.random() * Math.min(backoffCapMs, baseMs * 2 ** Math.min(attempt - 1, 10))
}

const opensAfter = 8
const firstPauseMs = 10_000
const pauseCapMs = 60_000

/**
 * Stops asking a host that keeps failing: after some failures in a row it opens, and lets one request through each time that a
 * pause, twice as long as the last, has passed. One success closes it.
 */
export class Circuit {
  readonly #effects: Pick<Effects, 'uptime'>
  #failures = 0
  #closedUntil = 0
  #pauseMs = firstPauseMs

  constructor(effects: Pick<Effects, 'uptime'>) {
    this.#effects = effects
  }

  /** Milliseconds until it may be asked; 0: now. Counts as asking. */
  enter(): number {
    if (this.#failures < opensAfter) return 0
    const now = this.#effects.uptime()
    if (now < this.#closedUntil) return this.#closedUntil - now
    // the one that tries; others wait for how it goes
    this.#closedUntil = now + this.#pauseMs
    return 0
  }

  succeeded(): void {
    this.#failures = 0
    this.#pauseMs = firstPauseMs
  }

  failed(): void {
    this.#failures += 1
    if (this.#failures < opensAfter) return
    if (this.#failures > opensAfter) this.#pauseMs = Math.min(this.#pauseMs * 2, pauseCapMs)
    this.#closedUntil = this.#effects.uptime() + this.#pauseMs
  }
}
