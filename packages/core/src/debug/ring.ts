/** Of the text of all lines together, in UTF-16 units. */
const defaultLimit = 256 * 1024
/** A line that is longer is cut. */
const longestLine = 8 * 1024

/** Keeps the last of what a command did, in memory: a line costs a push, and the oldest go when the limit is reached. */
export class TraceRing {
  readonly #limit: number
  readonly #startedAt = performance.now()
  /** text and time of each line, in turns */
  #kept: (string | number)[] = []
  #first = 0
  #size = 0
  #dropped = 0

  constructor(limit = defaultLimit) {
    this.#limit = limit
  }

  push(line: string): void {
    const text = line.length > longestLine ? `${line.slice(0, longestLine - 1)}…` : line
    this.#kept.push(text, performance.now())
    this.#size += text.length + 1
    while (this.#size > this.#limit) this.#drop()
  }

  /** Lines that went for later ones. */
  get dropped(): number {
    return this.#dropped
  }

  /** Oldest first, each behind the seconds since the ring was made. */
  lines(): string[] {
    const shown: string[] = []
    for (let i = this.#first; i < this.#kept.length; i += 2) {
      const seconds = (Number(this.#kept[i + 1]) - this.#startedAt) / 1000
      shown.push(`+${seconds.toFixed(3)} ${String(this.#kept[i])}`)
    }
    return shown
  }

  /** Shifting an array of thousands would cost more than a push: the front is left empty and cut off when it is half of it. */
  #drop(): void {
    this.#size -= String(this.#kept[this.#first]).length + 1
    this.#kept[this.#first] = ''
    this.#first += 2
    this.#dropped++
    if (this.#first < 1024 || this.#first * 2 < this.#kept.length) return
    this.#kept = this.#kept.slice(this.#first)
    this.#first = 0
  }
}
