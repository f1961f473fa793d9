import type {CgpuError} from '../errors.ts'
import {gone, reclaimed} from './choose.ts'
import {explain} from './explain.ts'
import type {RuntimeRecord} from './record.ts'

export interface KeepAlive {
  everyMs: number
  beat: (signal: AbortSignal) => Promise<'alive' | 'gone'>
}

export interface PresenceOptions {
  record: RuntimeRecord
  /** true only when the provider is sure that the machine is not there any more */
  isGone?: (() => Promise<boolean>) | undefined
  /** tells the provider that work goes on; absent: it does not want to know */
  keepAlive?: KeepAlive | undefined
  /** once; what it is given is the error of all work on the machine from now on */
  onGone: (error: CgpuError) => void
}

/** What may mean that the machine is gone: without it the server answers these, or nothing. */
const suspicious = new Set(['AUTH', 'CLOSED', 'GONE', 'HTTP', 'KERNEL_DEAD', 'NETWORK', 'NOT_FOUND', 'PROTOCOL', 'REDIRECT', 'TLS'])
/** the provider is not asked more often than this */
const askAgainMs = 3_000

/** Whether the machine behind a session is still there: keeps it from being taken away, and notices when it was. */
export class Presence {
  readonly #options: PresenceOptions
  readonly #closing = new AbortController()
  readonly #timer: NodeJS.Timeout | undefined
  #asking: Promise<boolean> | undefined
  #askedAt = -Infinity
  #worked = false
  #gone: CgpuError | undefined

  constructor(options: PresenceOptions) {
    this.#options = options
    if (!options.keepAlive) return
    const {everyMs, beat} = options.keepAlive
    this.#timer = setInterval(() => {
      // a beat that fails says nothing: the next one may pass
      beat(this.#closing.signal).then((state) => (state === 'gone' ? this.#isGone(true) : undefined), () => undefined)
    }, everyMs)
    this.#timer.unref()
  }

  /** Work has begun: should the machine go now, something is lost with it. */
  worked(): void {
    this.#worked = true
  }

  /** Asks the provider, once for all who ask at about the same time. False when it cannot tell. */
  async check(): Promise<boolean> {
    const {isGone} = this.#options
    if (this.#gone || !isGone) return this.#gone !== undefined
    const now = performance.now()
    if (!this.#asking || now - this.#askedAt > askAgainMs) {
      this.#askedAt = now
      this.#asking = isGone().catch(() => false)
    }
    return this.#isGone(await this.#asking)
  }

  /** An error of the work in the user's terms: that the machine is gone, where that is behind it. */
  async explain(error: unknown): Promise<unknown> {
    if (this.#gone) return this.#gone
    const code = error instanceof Error && error.name === 'JupyterError' && 'code' in error ? String(error.code) : undefined
    if (code !== undefined && suspicious.has(code) && !this.#closing.signal.aborted && (await this.check())) return this.#gone
    return explain(error, this.#options.record)
  }

  close(): void {
    clearInterval(this.#timer)
    this.#closing.abort()
  }

  #isGone(answer: boolean): boolean {
    if (!answer || this.#gone || this.#closing.signal.aborted) return this.#gone !== undefined
    this.#gone = this.#worked ? reclaimed(this.#options.record) : gone(this.#options.record)
    this.close()
    this.#options.onGone(this.#gone)
    return true
  }
}
