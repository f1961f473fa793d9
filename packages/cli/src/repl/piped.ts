import {createInterface, type Interface} from 'node:readline'

/** Lines of a pipe, one after the other; `peek` looks ahead only as far as it has come. */
export class PipedLines {
  readonly #lines: string[] = []
  readonly #reader: Interface
  #over = false
  #wake: (() => void) | undefined

  constructor(input: NodeJS.ReadableStream) {
    this.#reader = createInterface({input, crlfDelay: Infinity})
      .on('line', (line) => {
        this.#lines.push(line)
        this.#wake?.()
      })
      .on('close', () => {
        this.#over = true
        this.#wake?.()
      })
  }

  /** Undefined at the end. */
  async next(): Promise<string | undefined> {
    while (this.#lines.length === 0 && !this.#over) {
      const {promise, resolve} = Promise.withResolvers<void>()
      this.#wake = resolve
      await promise
    }
    return this.#lines.shift()
  }

  close(): void {
    this.#reader.close()
  }

  /** The next line that is not empty, if it is there already. */
  peek(): string | undefined {
    return this.#lines.find((line) => line.trim() !== '')
  }
}

export interface CellSplit {
  lines: PipedLines
  language: () => string
  /** see core's `continuation` */
  continues: (code: string) => Promise<string | undefined>
}

/** A line that goes on with the statement before it. */
const goesOn = /^(\s|(?:else|elif|except|finally)\b|[)\]}])/

/** The code of a pipe, cut where the kernel would take a line for the end of a cell. */
export async function* cellsOf({lines, language, continues}: CellSplit): AsyncGenerator<string> {
  let cell: string[] = []
  for (;;) {
    const line = await lines.next()
    if (line === undefined) break
    if (cell.length === 0 && line.trim() === '') continue
    cell.push(line)
    const code = cell.join('\n')
    const following = language() === 'python' ? lines.peek() : undefined
    // a file has empty lines inside of its functions, which somebody who types has not
    if (following !== undefined && goesOn.test(following)) continue
    // what follows at the left margin ends a block as an empty line does
    if ((await continues(following === undefined ? code : `${code}\n`)) !== undefined) continue
    yield code
    cell = []
  }
  if (cell.some((line) => line.trim() !== '')) yield cell.join('\n')
}
