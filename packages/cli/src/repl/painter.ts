import type {Frame} from './layout.ts'

/** Draws frames over each other, at the place in the terminal where the first one began. */
export class Painter {
  readonly #output: NodeJS.WriteStream
  /** rows above the cursor that are ours */
  #above = 0
  #last: string | undefined

  constructor(output: NodeJS.WriteStream) {
    this.#output = output
  }

  paint({rows, row, column}: Frame): void {
    const up = rows.length - 1 - row
    const body = `${rows.join('\r\n')}\r${up > 0 ? `\x1b[${up}A` : ''}${column > 0 ? `\x1b[${column}C` : ''}`
    // the same again: a key that changed nothing
    if (body === this.#last) return
    this.#output.write(this.#erasing() + body)
    this.#above = row
    this.#last = body
  }

  /** The frame stays where it is; what comes next begins below it. */
  leave({rows}: Frame): void {
    this.#output.write(`${this.#erasing()}${rows.join('\r\n')}\r\n`)
    this.#forget()
  }

  /** Takes the frame away, for something else to be written in its place. */
  erase(): void {
    if (this.#last === undefined) return
    this.#output.write(this.#erasing())
    this.#forget()
  }

  clearScreen(): void {
    this.#output.write('\x1b[H\x1b[2J')
    this.#forget()
  }

  #erasing(): string {
    return `\r${this.#above > 0 ? `\x1b[${this.#above}A` : ''}\x1b[J`
  }

  #forget(): void {
    this.#above = 0
    this.#last = undefined
  }
}
