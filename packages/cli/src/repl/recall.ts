/** What was typed before, the newest last, as arrows and Ctrl-R walk through it. */
export class Recall {
  readonly #load: () => Iterable<string>
  readonly #own: string[] = []
  #former: string[] | undefined

  /** `load`: what former sessions kept, the newest first; asked for when somebody first looks back. */
  constructor(load: () => Iterable<string> = () => []) {
    this.#load = load
  }

  add(text: string): void {
    if (text.trim() !== '' && this.#own.at(-1) !== text) this.#own.push(text)
  }

  /** The one at `index`, 0 being the newest. */
  at(index: number): string | undefined {
    return index < this.#own.length ? this.#own[this.#own.length - 1 - index] : this.#before()[index - this.#own.length]
  }

  /** Index of the newest one, from `from` on, that holds the text. */
  find(text: string, from: number): number | undefined {
    for (let index = from; ; index++) {
      const one = this.at(index)
      if (one === undefined) return undefined
      if (one.includes(text)) return index
    }
  }

  #before(): readonly string[] {
    if (this.#former) return this.#former
    const kept: string[] = []
    for (const text of this.#load()) if (text.trim() !== '' && text !== kept.at(-1)) kept.push(text)
    return (this.#former = kept)
  }
}
