import {createInterface, type Interface} from 'node:readline'
import {errors, inert} from '@cgpu/plugin-sdk'

/** Answers `input()` of cells from this command's stdin, a line each. */
export class StdinAnswers {
  #lines: AsyncIterator<string> | undefined
  #interface: Interface | undefined

  async next(prompt: string): Promise<string> {
    process.stderr.write(inert(prompt))
    this.#interface ??= createInterface({input: process.stdin})
    this.#lines ??= this.#interface[Symbol.asyncIterator]()
    const {value, done} = await this.#lines.next()
    if (done === true) throw errors.usage('a cell asks for input, and stdin has no more lines', {code: 'STDIN_ENDED', fix: 'give a line for each input()'})
    return value
  }

  close(): void {
    this.#interface?.close()
    process.stdin.pause()
  }
}
