import {createHash} from 'node:crypto'
import type {Dice} from '../contract.ts'

const letters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'

/** Ids in the shapes that Drive gives: 33 characters from `1`; roots 19 from `0A`; both usable in a URL as they are. */
export class Ids {
  readonly #next: () => number

  constructor(dice: Dice) {
    this.#next = dice.row('drive')
  }

  file(taken: (id: string) => boolean): string {
    for (;;) {
      const id = `1${this.#letters(32)}`
      if (!taken(id)) return id
    }
  }

  root(): string {
    return `0A${this.#letters(14)}PVA`
  }

  revision(taken: (id: string) => boolean): string {
    for (;;) {
      const id = `0B${this.#letters(49)}PQ`
      if (!taken(id)) return id
    }
  }

  upload(): string {
    return this.#letters(80)
  }

  #letters(length: number): string {
    return Array.from({length}, () => letters[Math.floor(this.#next() * letters.length)]).join('')
  }
}

/** A person's permission id: 20 digits, the same for ever. */
export function permissionId(email: string): string {
  const digits = BigInt(`0x${createHash('sha256').update(email).digest('hex').slice(0, 18)}`).toString()
  return digits.padStart(20, '0').slice(0, 20)
}
