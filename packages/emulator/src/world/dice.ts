import {createHmac} from 'node:crypto'
import type {Dice} from '../contract.ts'

/** The same seed gives the same numbers in every row, in whichever order the rows are used. */
export function createDice(seed: string | number): Dice {
  const used = new Map<string, number>()
  const next = (name: string): Buffer => {
    const count = used.get(name) ?? 0
    used.set(name, count + 1)
    return createHmac('sha256', String(seed)).update(`${name}\n${count}`).digest()
  }
  return {
    row: (name) => () => next(`row:${name}`).readUIntBE(0, 6) / 2 ** 48,
    hex(name, bytes) {
      let text = ''
      while (text.length < bytes * 2) text += next(`hex:${name}`).toString('hex')
      return text.slice(0, bytes * 2)
    },
  }
}
