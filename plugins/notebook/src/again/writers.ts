import type {Names} from './names.ts'

/** stands for any name */
export const all = '*'

/** Places of the cells that write a name, in order. */
export class Writers {
  readonly #byName = new Map<string, number[]>()
  /** of which it cannot be told */
  readonly #any: number[] = []
  readonly #all: number[] = []

  constructor(cells: readonly (Names | undefined)[]) {
    for (const [at, names] of cells.entries()) {
      if (!names) continue
      if (names.opaque) this.#any.push(at)
      if (names.opaque || names.writes.size > 0) this.#all.push(at)
      for (const name of names.writes) {
        const known = this.#byName.get(name)
        if (known) known.push(at)
        else this.#byName.set(name, [at])
      }
    }
  }

  /** Those of which it cannot be told what they write. */
  get any(): readonly number[] {
    return this.#any
  }

  /** Some cell says so itself. */
  has(name: string): boolean {
    return this.#byName.has(name)
  }

  /** The last that says so itself. */
  last(name: string): number | undefined {
    return this.#byName.get(name)?.at(-1)
  }

  of(name: string): number[] {
    if (name === all) return this.#all
    const named = this.#byName.get(name) ?? []
    return this.#any.length === 0 ? named : [...new Set([...named, ...this.#any])].sort((a, b) => a - b)
  }
}
