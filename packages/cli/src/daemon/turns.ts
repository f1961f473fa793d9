export interface TurnsOptions {
  /** who did not look for so long is not there any more */
  staleMs: number
  now?: () => number
}

export interface Turn {
  /** Whether this one is for it from now on: nobody who is still there took it before. */
  take(id: string): boolean
  /** Somebody else may have it. */
  leave(id: string): void
}

/** Which of several that look at the same things looks after each of them: the first, as long as it is there. */
export class Turns {
  readonly #options: TurnsOptions
  readonly #owners = new Map<string, string>()
  readonly #present = new Map<string, {running: number; lastAt: number}>()

  constructor(options: TurnsOptions) {
    this.#options = options
  }

  /** One look of `who`. */
  async during<T>(who: string, look: (turn: Turn) => Promise<T>): Promise<T> {
    const me = this.#present.get(who) ?? {running: 0, lastAt: 0}
    this.#present.set(who, me)
    me.running++
    try {
      return await look({take: (id) => this.#take(id, who), leave: (id) => this.#leave(id, who)})
    } finally {
      me.running--
      me.lastAt = this.#now()
    }
  }

  #take(id: string, who: string): boolean {
    const owner = this.#owners.get(id)
    if (owner !== undefined && owner !== who && this.#isThere(owner)) return false
    this.#owners.set(id, who)
    return true
  }

  #leave(id: string, who: string): void {
    if (this.#owners.get(id) === who) this.#owners.delete(id)
  }

  #isThere(who: string): boolean {
    const one = this.#present.get(who)
    return one !== undefined && (one.running > 0 || this.#now() - one.lastAt < this.#options.staleMs)
  }

  #now(): number {
    return this.#options.now?.() ?? performance.now()
  }
}
