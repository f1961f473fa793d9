import {refuse} from './errors.ts'

/** Which fields a resource has: `true` is a value, or an object whose inside is not checked. */
export interface Shape {
  [name: string]: true | Shape
}

/** What a `fields` parameter asks for. `*` is every field; null is the whole of a field. */
export type Mask = Map<string, Mask | null>

const deepest = 32

/**
 * Parses a partial response selection: `a,b/c,d(e,f/g),*`. Throws 400 invalidParameter on a syntax error and on
 * fields that the resource does not have.
 */
export function parseFields(text: string, shape: Shape): Mask {
  const parser = new Parser(text)
  const mask = parser.list(0)
  if (!parser.done) throw invalid(text)
  check(mask, shape, text)
  return mask
}

/** The part of a value that the mask selects. */
export function select(value: unknown, mask: Mask | null): unknown {
  if (mask === null) return value
  if (Array.isArray(value)) return value.map((one) => select(one, mask))
  if (typeof value !== 'object' || value === null) return value
  const every = mask.get('*')
  const picked: Record<string, unknown> = {}
  for (const [name, inside] of Object.entries(value)) {
    const wanted = mask.get(name)
    if (wanted === undefined && every === undefined) continue
    const parts = [wanted, every].filter((one) => one !== undefined)
    const masks = parts.filter((one) => one !== null)
    picked[name] = select(inside, masks.length < parts.length ? null : merge(masks))
  }
  return picked
}

function merge(masks: Mask[]): Mask {
  const merged: Mask = new Map()
  for (const mask of masks) for (const [name, inside] of mask) add(merged, name, inside)
  return merged
}

function add(mask: Mask, name: string, inside: Mask | null): void {
  const before = mask.get(name)
  mask.set(name, before === undefined ? inside : before === null || inside === null ? null : merge([before, inside]))
}

function check(mask: Mask, shape: Shape, text: string): void {
  for (const [name, inside] of mask) {
    if (name === '*') continue
    const below = Object.hasOwn(shape, name) ? shape[name] : undefined
    if (below === undefined) throw invalid(name)
    if (inside !== null && below !== true) check(inside, below, text)
  }
}

const invalid = (what: string): Error => refuse.parameter('fields', `Invalid field selection ${what}`)

class Parser {
  readonly #text: string
  #at = 0

  constructor(text: string) {
    this.#text = text
  }

  get done(): boolean {
    this.#blanks()
    return this.#at === this.#text.length
  }

  list(depth: number): Mask {
    if (depth > deepest) throw invalid(this.#text)
    const mask: Mask = new Map()
    do this.#item(mask, depth)
    while (this.#take(','))
    return mask
  }

  #item(into: Mask, depth: number): void {
    const name = this.#name()
    if (this.#take('/')) {
      if (depth > deepest) throw invalid(this.#text)
      const inside: Mask = new Map()
      this.#item(inside, depth + 1)
      add(into, name, inside)
    } else if (this.#take('(')) {
      const inside = this.list(depth + 1)
      if (!this.#take(')')) throw invalid(this.#text)
      add(into, name, inside)
    } else add(into, name, null)
  }

  #name(): string {
    this.#blanks()
    const found = /^(?:\*|[\w.-]+)/.exec(this.#text.slice(this.#at, this.#at + 200))
    if (!found) throw invalid(this.#text)
    this.#at += found[0].length
    return found[0]
  }

  #take(sign: string): boolean {
    this.#blanks()
    if (this.#text[this.#at] !== sign) return false
    this.#at++
    return true
  }

  #blanks(): void {
    while (this.#text[this.#at] === ' ') this.#at++
  }
}
