import type {Interface} from 'node:readline'
import {ask} from '../input.ts'

/** How a kernel learns that stdin is at its end: ipykernel turns it into EOFError. */
const endOfInput = '\x04'

/** Answers a cell's `input()` from this process's stdin: asked for on a terminal, line by line from a pipe. */
export class StdinLines {
  #lines: AsyncIterator<string> | undefined
  #reader: Interface | undefined

  async next(password: boolean): Promise<string> {
    if (process.stdin.isTTY) return ask('', {hidden: password})
    if (!this.#lines) {
      const {createInterface} = await import('node:readline')
      this.#reader = createInterface({input: process.stdin})
      this.#lines = this.#reader[Symbol.asyncIterator]()
    }
    const {done, value} = await this.#lines.next()
    return done === true ? endOfInput : value
  }

  close(): void {
    this.#reader?.close()
  }
}
