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
/** A line that is longer is shown in pieces of this size, so that memory stays bounded. */
const longestLine = 1 << 20

/** True when records can be passed on as they are, without looking for lines in them. */
const isPlain = ({search, timestamps}: LogFilter): boolean => search === undefined && timestamps !== true

/**
 * Turns records into what is shown of them. Bytes stay as they are; lines are only looked for where something depends on
 * them, in each stream for itself. `push` and `end` return what is complete by then.
 */
export class LogView {
  readonly #filter: LogFilter
  readonly #plain: boolean
  readonly #lines = {stdout: new LineCutter(), stderr: new LineCutter()}

  constructor(filter: LogFilter) {
    this.#filter = filter
    this.#plain = isPlain(filter)
  }

  push(record: LogRecord): LogPiece[] {
    const {stream, payload, time} = record
    if (stream !== 'stdout' && stream !== 'stderr') return []
    const {since, until} = this.#filter
    if (this.#filter.stream !== undefined && stream !== this.#filter.stream) return []
    if ((since !== undefined && time < since) || (until !== undefined && time > until)) return []
    if (this.#plain) return [{stream, data: payload}]
    return this.#lines[stream].push(payload, time).flatMap((line) => this.#shown(stream, line))
  }

  /** What has no line end yet: the log is over. */
  end(): LogPiece[] {
    if (this.#plain) return []
    return (['stdout', 'stderr'] as const).flatMap((stream) => this.#lines[stream].end().flatMap((line) => this.#shown(stream, line)))
  }

  /** True when nothing that comes after this record can be shown. */
  isPast({time}: LogRecord): boolean {
    return this.#filter.until !== undefined && time > this.#filter.until
  }

  #shown(stream: 'stdout' | 'stderr', {data, time, begins}: Line): LogPiece[] {
    const {search, timestamps} = this.#filter
    if (search && !search.test(new TextDecoder().decode(data).replace(/\r?\n$/, ''))) return []
    if (timestamps !== true || !begins) return [{stream, data}]
    return [{stream, data: new TextEncoder().encode(`${new Date(time * 1000).toISOString()} `)}, {stream, data}]
  }
}

interface Line {
  data: Uint8Array
  /** of its first byte */
  time: number
  /** false: the rest of a line that was too long to be kept */
  begins: boolean
}

/** Cuts bytes into lines, each with its end. */
class LineCutter {
  #held: Uint8Array[] = []
  #size = 0
  #time = 0
  #begins = true

  push(chunk: Uint8Array, time: number): Line[] {
    const lines: Line[] = []
    for (let at = 0; at < chunk.length; ) {
      const index = chunk.indexOf(newline, at)
      const end = index === -1 ? chunk.length : index + 1
      if (this.#size === 0) this.#time = time
      // a copy: the chunk may be a view of a frame that is used again
      this.#held.push(chunk.slice(at, end))
      this.#size += end - at
      at = end
      if (index !== -1) lines.push(this.#take(true))
      else if (this.#size >= longestLine) lines.push(this.#take(false))
    }
    return lines
  }

  end(): Line[] {
    return this.#size === 0 ? [] : [this.#take(true)]
  }

  #take(ended: boolean): Line {
    const line = {data: this.#held.length === 1 ? this.#held[0]! : Buffer.concat(this.#held), time: this.#time, begins: this.#begins}
    this.#held = []
    this.#size = 0
    this.#begins = ended
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
    for (const line of this.#cutters[stream].push(data, 0)) this.#keep({stream, data: line.data})
  }

  /** The last lines; it is empty then. */
  take(): LogPiece[] {
    for (const stream of ['stdout', 'stderr'] as const) for (const {data} of this.#cutters[stream].end()) this.#keep({stream, data})
    const kept = this.#kept.slice(Math.max(0, this.#kept.length - this.#lines))
    this.#kept = []
    return kept
  }

  #keep(piece: LogPiece): void {
    this.#kept.push(piece)
    if (this.#kept.length > 2 * this.#lines + 1024) this.#kept.splice(0, this.#kept.length - this.#lines)
  }
}
