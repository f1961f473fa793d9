import type {Dice} from '../contract.ts'
import {createDice} from '../world/dice.ts'

/** Dice that can be begun anew, also with another seed, while parts of the emulator hold on to them. */
export class ReseededDice implements Dice {
  #seed: string | number
  #dice: Dice
  #round = 0

  constructor(seed: string | number) {
    this.#seed = seed
    this.#dice = createDice(seed)
  }

  get seed(): string | number {
    return this.#seed
  }

  row(name: string): () => number {
    let round = -1
    let roll = (): number => 0
    return () => {
      if (round !== this.#round) {
        round = this.#round
        roll = this.#dice.row(name)
      }
      return roll()
    }
  }

  hex(name: string, bytes: number): string {
    return this.#dice.hex(name, bytes)
  }

  begin(seed = this.#seed): void {
    this.#seed = seed
    this.#dice = createDice(seed)
    this.#round++
  }
}
