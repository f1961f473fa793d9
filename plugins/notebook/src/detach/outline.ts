import {createReadStream} from 'node:fs'
import type {Notebook} from '../format/model.ts'
import {parseNotebook, readNotebook} from '../format/read.ts'

/** Longer outputs are left out. */
const itemBytes = 256 * 1024
const newline = 0x0a

/**
 * The notebook in a file without outputs over 256 KiB, so that a copy of hundreds of megabytes is never in memory. That goes by the lines of a file as Jupyter and
 * the driver write it; of another one all is read. `name` is what messages call it. Throws what `parseNotebook` does.
 */
export async function readOutline(path: string, name: string): Promise<Notebook> {
  const outline = new Outline()
  for await (const chunk of createReadStream(path) as AsyncIterable<Buffer>) {
    for (let from = 0; from < chunk.length;) {
      const at = chunk.indexOf(newline, from)
      const end = at < 0 ? chunk.length : at + 1
      outline.take(chunk.subarray(from, end), at >= 0)
      from = end
    }
  }
  try {
    return parseNotebook(outline.text(), name)
  } catch {
    return readNotebook(path) // whose lines are others', or that is no notebook: that says what is wrong
  }
}

/** Leaves out what is long in `"outputs"` of a cell, whose indent is one space a level. */
class Outline {
  readonly #kept: Buffer[] = []
  /** of the line that is not whole yet: all of it, or its beginning where it is long */
  #line: Buffer[] = []
  #lineBytes = 0
  /** of the cell's outputs that are read; undefined: none are */
  #items: Buffer[] | undefined
  /** the output that is read; `undefined` in place of `parts`: it is too long */
  #item: {parts: Buffer[] | undefined; bytes: number} | undefined

  /** A line, or what there is of it; it is copied where it stays. */
  take(piece: Buffer, whole: boolean): void {
    if (whole && this.#lineBytes === 0) return this.#ended(piece, piece.length)
    if (this.#items === undefined || this.#lineBytes < itemBytes) this.#line.push(Buffer.from(piece))
    this.#lineBytes += piece.length
    if (whole) this.#joined()
  }

  text(): string {
    if (this.#lineBytes > 0) this.#joined()
    return Buffer.concat(this.#kept).toString('utf8')
  }

  #joined(): void {
    const [line, bytes] = [Buffer.concat(this.#line), this.#lineBytes]
    this.#line = []
    this.#lineBytes = 0
    this.#ended(line, bytes)
  }

  #ended(line: Buffer, bytes: number): void {
    if (this.#items === undefined) {
      this.#kept.push(Buffer.from(line))
      if (isLine(line, '   "outputs": [')) this.#items = []
      return
    }
    if (isLine(line, '   ]') || isLine(line, '   ],')) {
      this.#kept.push(Buffer.concat(this.#items.flatMap((item, at) => (at === 0 ? [item] : [comma, item]))), Buffer.from(line))
      this.#items = undefined
      return
    }
    if (isLine(line, '    {')) this.#item = {parts: [], bytes: 0}
    const item = this.#item
    if (!item) return
    item.bytes += bytes
    if (item.bytes > itemBytes) item.parts = undefined
    const last = isLine(line, '    }') || isLine(line, '    },')
    item.parts?.push(last ? closing : line)
    if (!last) return
    if (item.parts) this.#items.push(Buffer.concat(item.parts))
    this.#item = undefined
  }
}

const comma = Buffer.from(',')
const closing = Buffer.from('}\n')

const isLine = (line: Buffer, text: string): boolean => line.length <= text.length + 2 && line.toString('latin1').trimEnd() === text
