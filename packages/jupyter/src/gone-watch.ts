import {JupyterError} from './errors.ts'

/** The first failure of an outage tells little, and asking may cost a request to somebody else's server; a slow one is silence, which tells more. */
const askFrom = 2
const slowMs = 5_000
const askAgainMs = 10_000

/** Whether the server of a lost link is gone for good: asked aside, so that no attempt to reach it waits for the answer. */
export class GoneWatch {
  readonly #ask: (() => Promise<boolean>) | undefined
  readonly #gone = new AbortController()
  #asking: Promise<boolean> | undefined
  readonly #startedAt = performance.now()
  #askedAt = -Infinity
  #failures = 0

  constructor(ask: (() => Promise<boolean>) | undefined) {
    this.#ask = ask
  }

  /** aborted with GONE */
  get signal(): AbortSignal {
    return this.#gone.signal
  }

  failed(): void {
    this.#failures++
    const now = performance.now()
    if (this.#failures < askFrom && now < this.#startedAt + slowMs) return
    if (now < this.#askedAt + askAgainMs) return
    this.certain().then(gone => gone && this.#gone.abort(serverGone()), () => undefined)
  }

  /** The answer; false when nobody knows. */
  async certain(): Promise<boolean> {
    if (!this.#ask) return false
    this.#askedAt = performance.now()
    this.#asking ??= this.#ask().catch(() => false).finally(() => (this.#asking = undefined))
    return this.#asking
  }
}

export function serverGone(cause?: unknown): JupyterError {
  return new JupyterError('GONE', 'the server is gone for good', {cause})
}
