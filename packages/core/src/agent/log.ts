import {errors} from '../errors.ts'
import {isObject, parseJson} from '../state/json.ts'

/** `stream-N` is a kind that this version does not know. */
export type LogStream = 'stdout' | 'stderr' | 'display' | 'notice' | `stream-${number}`

const headerSize = 13
const streams: readonly LogStream[] = ['stream-0', 'stdout', 'stderr', 'display', 'notice']
// displays hold whole images and tables; anything near this is a broken header
const largestPayload = 512 * 1024 * 1024

/** What a notice says. Of a `restart`: which attempt begins, and how the one before it ended. */
export interface LogNotice {
  kind: string
  bytes?: number
  attempt?: number
  exitCode?: number
  signal?: string
}

/** One record of a log. `payload` may be a view of a received frame: copy what you keep. */
export class LogRecord {
  readonly stream: LogStream
  /** unix seconds, by the machine's clock */
  readonly time: number
  readonly payload: Uint8Array
  /** byte offset in the log right after this record: reading may resume here */
  readonly endOffset: number

  constructor(stream: LogStream, time: number, payload: Uint8Array, endOffset: number) {
    this.stream = stream
    this.time = time
    this.payload = payload
    this.endOffset = endOffset
  }

  /** Of a `display`: the Jupyter message's type and content; empty ones when it cannot be read. */
  display(): {type: string; content: Record<string, unknown>} {
    const {type, content} = this.#json()
    return {type: typeof type === 'string' ? type : '', content: isObject(content) ? content : {}}
  }

  /** Of a `notice`: what happened to the log (`gap`, `limit`, `disk-full`), to its program (`restart`), or one not known here. */
  notice(): LogNotice {
    const {kind, bytes, attempt, exitCode, signal} = this.#json()
    return {
      kind: typeof kind === 'string' ? kind : '',
      ...(typeof bytes === 'number' ? {bytes} : {}),
      ...(typeof attempt === 'number' ? {attempt} : {}),
      ...(typeof exitCode === 'number' ? {exitCode} : {}),
      ...(typeof signal === 'string' ? {signal} : {}),
    }
  }

  #json(): Record<string, unknown> {
    try {
      const value = parseJson(new TextDecoder().decode(this.payload))
      return isObject(value) ? value : {}
    } catch {
      return {} // not ours to judge: a newer agent's, or a damaged log
    }
  }
}

/** Turns log bytes, cut anywhere, into records. */
export class LogDecoder {
  readonly #header = new Uint8Array(headerSize)
  readonly #view = new DataView(this.#header.buffer)
  #headerFilled = 0
  #payload: Uint8Array | undefined
  #payloadFilled = 0
  #offset: number

  /** @param offset where the first byte pushed lies in the log; the end of a record, or 0 */
  constructor(offset = 0) {
    this.#offset = offset
  }

  /** End of the last whole record: where to resume. */
  get offset(): number {
    return this.#offset
  }

  /** Offset of the next byte that is expected. */
  get position(): number {
    return this.#offset + this.#headerFilled + this.#payloadFilled
  }

  /** Forgets the beginning of an unfinished record; the next byte pushed is the one at `offset`. */
  rewind(): void {
    this.#headerFilled = this.#payloadFilled = 0
    this.#payload = undefined
  }

  /** Records that end in this chunk. Consume all of it before the next push. Throws CgpuError (65) on broken data. */
  *push(chunk: Uint8Array): Generator<LogRecord> {
    let at = 0
    while (at < chunk.length) {
      if (this.#headerFilled < headerSize) {
        const taken = Math.min(headerSize - this.#headerFilled, chunk.length - at)
        this.#header.set(chunk.subarray(at, at + taken), this.#headerFilled)
        this.#headerFilled += taken
        at += taken
        if (this.#headerFilled < headerSize) return
      }
      const size = this.#payloadSize()
      if (this.#payload === undefined && chunk.length - at >= size) {
        yield this.#record(chunk.subarray(at, at + size))
        at += size
        continue
      }
      this.#payload ??= new Uint8Array(size)
      const taken = Math.min(size - this.#payloadFilled, chunk.length - at)
      this.#payload.set(chunk.subarray(at, at + taken), this.#payloadFilled)
      this.#payloadFilled += taken
      at += taken
      if (this.#payloadFilled === size) yield this.#record(this.#payload)
    }
    // a record without payload whose header ended the chunk
    if (this.#headerFilled === headerSize && this.#payload === undefined && this.#payloadSize() === 0) yield this.#record(new Uint8Array())
  }

  #payloadSize(): number {
    const size = this.#view.getUint32(1, true)
    if (size > largestPayload) {
      throw errors.data(`the log of the run is damaged at byte ${this.#offset}`, {code: 'LOG_DAMAGED', category: 'runtime'})
    }
    return size
  }

  #record(payload: Uint8Array): LogRecord {
    const kind = this.#header[0] ?? 0
    const stream = streams[kind] ?? (`stream-${kind}` as const)
    this.#offset += headerSize + payload.length
    const record = new LogRecord(stream, this.#view.getFloat64(5, true), payload, this.#offset)
    this.rewind()
    return record
  }
}
