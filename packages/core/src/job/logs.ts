import type {LogRecord} from '../agent/log.ts'

/** Which part of a log is shown, and how. */
export interface LogFilter {
  /** absent: both */
  stream?: 'stdout' | 'stderr' | undefined
  /** unix seconds by the machine's clock, both inclusive */
  since?: number | undefined
  until?: number | undefined
  /** only lines in which this is found */
  search?: RegExp | undefined
  /** put before each line: when its first byte was written */
  timestamps?: boolean | undefined
}

export interface LogPiece {
  stream: 'stdout' | 'stderr'
  data: Uint8Array
}

const newline = 0x0a
const carriageReturn = 0x0d
/** A line that is longer is shown in pieces of this size, so that memory stays bounded. */
const longestLine = 1 << 20

/** True when records can be passed on as they are, without looking for lines in them. */
const isPlain = ({search, timestamps}: LogFilter): boolean => search === undefined && timestamps !== true

/**
 * Turns records into what is shown of them. Bytes stay as they are; lines are only looked for where something depends on
 * them, in each stream for itself. `push` and `end` return what is complete by then: one piece for all lines of a record, as a
 * piece a line would cost more than the line.
 */
export class LogView {
  readonly #filter: LogFilter
  readonly #plain: boolean
  readonly #lines: Record<'stdout' | 'stderr', LineView>

  constructor(filter: LogFilter) {
    this.#filter = filter
    this.#plain = isPlain(filter)
    this.#lines = {stdout: new LineView(filter), stderr: new LineView(filter)}
  }

  push(record: LogRecord): LogPiece[] {
    const {stream, payload, time} = record
    if (stream !== 'stdout' && stream !== 'stderr') return []
    const {since, until} = this.#filter
    if (this.#filter.stream !== undefined && stream !== this.#filter.stream) return []
    if ((since !== undefined && time < since) || (until !== undefined && time > until)) return []
    return pieceOf(stream, this.#plain ? payload : this.#lines[stream].push(payload, time))
  }

  /** What has no line end yet: the log is over. */
  end(): LogPiece[] {
    return (['stdout', 'stderr'] as const).flatMap((stream) => pieceOf(stream, this.#lines[stream].end()))
  }

  /** True when nothing that comes after this record can be shown. */
  isPast({time}: LogRecord): boolean {
    return this.#filter.until !== undefined && time > this.#filter.until
  }
}

const pieceOf = (stream: 'stdout' | 'stderr', data: Uint8Array): LogPiece[] => (data.length === 0 ? [] : [{stream, data}])

/** The lines of one stream that are to be shown, with what is put before them. */
class LineView {
  readonly #filter: LogFilter
  readonly #shown = new Gathered()
  /** the beginning of a line whose end has not come */
  readonly #held = new Gathered()
  /** of the held line's first byte */
  #time = 0
  /** false: what comes next is the rest of a line that was too long to be kept */
  #begins = true
  #stampedAt: number | undefined
  #stamp: Uint8Array = new Uint8Array()

  constructor(filter: LogFilter) {
    this.#filter = filter
  }

  push(chunk: Uint8Array, time: number): Uint8Array {
    const bytes = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.length)
    const text = this.#filter.search ? textPerByte(bytes) : undefined
    for (let at = 0; at < bytes.length; ) {
      const index = bytes.indexOf(newline, at)
      const end = index === -1 ? bytes.length : index + 1
      if (this.#held.size === 0) this.#time = time
      if (index !== -1 && this.#held.size === 0) this.#line(bytes, at, end, true, text)
      else {
        this.#held.add(bytes, at, end)
        if (index !== -1 || this.#held.size >= longestLine) this.#takeHeld(index !== -1)
      }
      at = end
    }
    return this.#shown.take()
  }

  end(): Uint8Array {
    if (this.#held.size > 0) this.#takeHeld(true)
    return this.#shown.take()
  }

  #takeHeld(ended: boolean): void {
    const line = this.#held.take()
    this.#line(line, 0, line.length, ended)
  }

  #line(bytes: Buffer, from: number, to: number, ended: boolean, text?: string): void {
    const begins = this.#begins
    this.#begins = ended
    const {search, timestamps} = this.#filter
    if (search) {
      const end = endOf(bytes, from, to)
      if (!search.test(text?.slice(from, end) ?? bytes.toString('utf8', from, end))) return
    }
    if (timestamps === true && begins) {
      const stamp = this.#stampOf(this.#time)
      this.#shown.add(stamp, 0, stamp.length)
    }
    this.#shown.add(bytes, from, to)
  }

  #stampOf(time: number): Uint8Array {
    if (time !== this.#stampedAt) this.#stamp = Buffer.from(`${new Date(time * 1000).toISOString()} `)
    this.#stampedAt = time
    return this.#stamp
  }
}

/** All of it as text, so that lines need not be decoded one by one; undefined where a place in it is not the same in the bytes. */
function textPerByte(bytes: Buffer): string | undefined {
  const text = bytes.toString('utf8')
  // no byte ever makes more than one code unit
  return text.length === bytes.length ? text : undefined
}

/** Where a line ends without its line end. */
function endOf(bytes: Buffer, from: number, to: number): number {
  if (to === from || bytes[to - 1] !== newline) return to
  return to - 1 > from && bytes[to - 2] === carriageReturn ? to - 2 : to - 1
}

/** Copies of bytes, one behind the other. */
class Gathered {
  #bytes = Buffer.allocUnsafe(256)
  size = 0

  add(source: Uint8Array, from: number, to: number): void {
    const length = to - from
    if (this.size + length > this.#bytes.length) this.#grow(this.size + length)
    const bytes = this.#bytes
    // a view for each short line would take longer than its bytes
    if (length > 64) bytes.set(source.subarray(from, to), this.size)
    else for (let i = 0; i < length; i++) bytes[this.size + i] = source[from + i] ?? 0
    this.size += length
  }

  /** All of them, in memory of their own; it is empty then. */
  take(): Buffer {
    const taken = Buffer.from(this.#bytes.subarray(0, this.size))
    this.size = 0
    return taken
  }

  #grow(least: number): void {
    const larger = Buffer.allocUnsafe(Math.max(least, 2 * this.#bytes.length))
    larger.set(this.#bytes.subarray(0, this.size))
    this.#bytes = larger
  }
}

/** Where the last so many lines that end in a piece begin; 0 when it has no more of them. */
function startOfLast(data: Uint8Array, lines: number): number {
  let at = data.lastIndexOf(newline)
  for (let i = 0; i < lines && at !== -1; i++) at = at === 0 ? -1 : data.lastIndexOf(newline, at - 1)
  return at + 1
}

/** Cuts bytes into lines, each with its end. */
class LineCutter {
  #held: Uint8Array[] = []
  #size = 0

  push(chunk: Uint8Array): Uint8Array[] {
    const lines: Uint8Array[] = []
    for (let at = 0; at < chunk.length; ) {
      const index = chunk.indexOf(newline, at)
      const end = index === -1 ? chunk.length : index + 1
      // a copy: the chunk may be a view of a frame that is used again
      this.#held.push(chunk.slice(at, end))
      this.#size += end - at
      at = end
      if (index !== -1 || this.#size >= longestLine) lines.push(this.#take())
    }
    return lines
  }

  /** The end of the line that was begun was seen. */
  drop(): void {
    this.#held = []
    this.#size = 0
  }

  end(): Uint8Array[] {
    return this.#size === 0 ? [] : [this.#take()]
  }

  #take(): Uint8Array {
    const line = this.#held.length === 1 ? this.#held[0]! : Buffer.concat(this.#held)
    this.#held = []
    this.#size = 0
    return line
  }
}

/** Keeps the last lines of what goes through it, in the order in which they ended. */
export class Tail {
  readonly #lines: number
  readonly #cutters = {stdout: new LineCutter(), stderr: new LineCutter()}
  #kept: LogPiece[] = []

  constructor(lines: number) {
    this.#lines = lines
  }

  push({stream, data}: LogPiece): void {
    const from = startOfLast(data, this.#lines)
    if (from > 0) {
      // as many lines as are kept end behind all that was before
      this.#kept = []
      this.#cutters[stream].drop()
    }
    for (const line of this.#cutters[stream].push(data.subarray(from))) this.#keep({stream, data: line})
  }

  /** The last lines; it is empty then. */
  take(): LogPiece[] {
    for (const stream of ['stdout', 'stderr'] as const) for (const data of this.#cutters[stream].end()) this.#keep({stream, data})
    const kept = this.#kept.slice(Math.max(0, this.#kept.length - this.#lines))
    this.#kept = []
    return kept
  }

  #keep(piece: LogPiece): void {
    this.#kept.push(piece)
    if (this.#kept.length > 2 * this.#lines + 1024) this.#kept.splice(0, this.#kept.length - this.#lines)
  }
}
