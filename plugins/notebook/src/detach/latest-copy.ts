/** The pause after a copy, in times of what it took. */
const pauseFactor = 10

/** Fetches the copy after a few cells, one at a time. What fails is made up for by the next, and by the last one. */
export class LatestCopy {
  readonly #fetch: () => Promise<unknown>
  readonly #everyMs: number
  #fetching: Promise<void> | undefined
  #timer: NodeJS.Timeout | undefined
  #due: number
  #ended = false

  /** `everyMs`: at least so long between two: a notebook of short cells is not fetched all the time */
  constructor(fetch: () => Promise<unknown>, everyMs: number) {
    this.#fetch = fetch
    this.#everyMs = everyMs
    this.#due = performance.now() + everyMs
  }

  wanted(): void {
    if (this.#ended || this.#timer) return
    this.#timer = setTimeout(() => {
      this.#fetching = this.#run().finally(() => (this.#timer = undefined))
    }, Math.max(0, this.#due - performance.now()))
  }

  /** Resolves when none is on its way any more. */
  async end(): Promise<void> {
    this.#ended = true
    clearTimeout(this.#timer)
    await this.#fetching
  }

  async #run(): Promise<void> {
    const started = performance.now()
    await this.#fetch().catch(() => undefined)
    const ended = performance.now()
    this.#due = ended + Math.max(this.#everyMs, (ended - started) * pauseFactor)
  }
}
