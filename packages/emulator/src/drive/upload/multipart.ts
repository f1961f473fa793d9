import {refuse} from '../errors.ts'

export interface Part {
  headers: Map<string, string>
  /** to be read to its end before the next part is asked for */
  body: AsyncIterable<Buffer>
}

const newline = Buffer.from('\n')
const mostHeaderBytes = 16 * 1024

/**
 * The parts of a `multipart/related` body as they arrive; nothing of a part's body is held beyond a boundary's length.
 * Lines may end with a bare newline, as those of Google's own Python client do. Throws 400.
 */
export async function* parts(source: AsyncIterable<Uint8Array>, boundary: string): AsyncGenerator<Part> {
  const input = new Input(source)
  // the first boundary stands at the very start or behind a line end
  input.prepend(newline)
  const fence = Buffer.from(`\n--${boundary}`)
  for await (const chunk of input.until(fence)) void chunk
  for (;;) {
    const end = await input.line()
    if (end.trim() === '--') return
    if (end.trim() !== '') throw refuse.body('Malformed multipart body.')
    const headers = new Map<string, string>()
    for (let line = await input.line(); line !== ''; line = await input.line()) {
      const at = line.indexOf(':')
      if (at === -1) throw refuse.body('Malformed multipart body.')
      headers.set(line.slice(0, at).trim().toLowerCase(), line.slice(at + 1).trim())
    }
    // the line end before the body belongs to the fence when the body is empty
    input.prepend(newline)
    yield {headers, body: skipped(input.until(fence), newline.length)}
  }
}

async function* skipped(source: AsyncIterable<Buffer>, bytes: number): AsyncGenerator<Buffer> {
  let left = bytes
  for await (const chunk of source) {
    const rest = chunk.subarray(Math.min(left, chunk.length))
    left -= chunk.length - rest.length
    if (rest.length > 0) yield rest
  }
}

class Input {
  readonly #source: AsyncIterator<Uint8Array>
  #held: Buffer = Buffer.alloc(0)

  constructor(source: AsyncIterable<Uint8Array>) {
    this.#source = source[Symbol.asyncIterator]()
  }

  prepend(bytes: Buffer): void {
    this.#held = Buffer.concat([bytes, this.#held])
  }

  /** Text up to the line end, which is taken too. */
  async line(): Promise<string> {
    for (;;) {
      const at = this.#held.indexOf('\n')
      if (at !== -1) {
        const line = this.#held.subarray(0, at).toString()
        this.#held = this.#held.subarray(at + 1)
        return line.replace(/\r$/, '')
      }
      if (this.#held.length > mostHeaderBytes) throw refuse.body('Malformed multipart body.')
      // the closing boundary may be the last thing there is
      if (!await this.#more()) {
        if (this.#held.toString() !== '--') throw refuse.body('Malformed multipart body.')
        this.#held = Buffer.alloc(0)
        return '--'
      }
    }
  }

  /** Bytes up to the fence, which is taken too, with a carriage return before it. */
  async *until(fence: Buffer): AsyncGenerator<Buffer> {
    for (;;) {
      const at = this.#held.indexOf(fence)
      if (at !== -1) {
        const last = this.#held.subarray(0, this.#held[at - 1] === 13 ? at - 1 : at)
        this.#held = this.#held.subarray(at + fence.length)
        if (last.length > 0) yield last
        return
      }
      const sure = this.#held.length - fence.length
      if (sure > 0) {
        const chunk = this.#held.subarray(0, sure)
        this.#held = this.#held.subarray(sure)
        yield chunk
      }
      if (!await this.#more()) throw refuse.body('Malformed multipart body.')
    }
  }

  async #more(): Promise<boolean> {
    const next = await this.#source.next()
    if (next.done === true) return false
    this.#held = Buffer.concat([this.#held, next.value])
    return true
  }
}
