import type {JobStatus, LogPlace} from '../agent/client.ts'
import type {LogRecord} from '../agent/log.ts'
import {followLog, withAgent} from '../execution/follow-log.ts'
import {describeGap} from '../execution/gap.ts'
import type {RuntimeSession} from '../runtime/session.ts'
import {type LogFilter, type LogPiece, LogView, Tail} from './logs.ts'

export interface ReadLogOptions extends LogFilter {
  /** only the last so many lines of what there is */
  tail?: number | undefined
  /** go on until the job is over; else what there is now is all */
  follow: boolean
  onPiece: (piece: LogPiece) => void | Promise<void>
  /** the log has a hole, or the program was started again */
  onNotice?: ((message: string) => void | Promise<void>) | undefined
  /** what `placeOf` said, where it was asked before */
  place?: LogPlace
  signal?: AbortSignal | undefined
}

/** Thrown to ourselves: what was there when we began has been read. */
const enough = new Error('enough')

/**
 * Shows a job's log, or a part of it. The end of a long log is found without reading the rest. Resolves to how the job ended
 * when it was followed to its end.
 */
export async function readLog(session: RuntimeSession, id: string, options: ReadLogOptions): Promise<JobStatus | undefined> {
  const {tail, follow, signal} = options
  const {offset, size} = options.place ?? (await placeOf(session, id, options))
  const stop = new AbortController()
  // the end of what is shown, once that is known: until then nothing may be logged that would tell
  let end = follow ? Infinity : size
  let at = offset
  const ask = follow ? whenOver(options.until, async () => {
    end = (await session.guard(() => withAgent(session, (agent) => agent.locate(id, {signal: stop.signal})))).size
    if (at >= end) stop.abort(enough)
  }) : undefined
  // where nothing is behind the tail's beginning, all that comes is new
  const reader = new Reader(offset >= size ? {...options, tail: undefined} : options, size)
  try {
    if (!follow && offset >= size) return undefined
    const status = await followLog(session, id, {
      offset,
      signal: signal ? AbortSignal.any([signal, stop.signal]) : stop.signal,
      onRecord: (record) => {
        if (reader.isPast(record)) return stop.abort(enough)
        const wait = reader.take(record)
        at = record.endOffset
        if (at < end) return wait
        // that was all there was; a program that is silent now would keep us waiting
        return Promise.resolve(wait).then(() => stop.abort(enough))
      },
    })
    return status
  } catch (error) {
    if (error !== enough) throw error
    return undefined
  } finally {
    clearTimeout(ask)
    if (tail !== undefined || !signal?.aborted) await reader.end()
  }
}

/** Records of that time may be on their way, and the machine's clock is not ours. */
const lateMs = 1_000

/** Calls back when a time is over. One that is further away than timers go is not waited for. */
function whenOver(until: number | undefined, then: () => Promise<void>): NodeJS.Timeout | undefined {
  const ms = until === undefined ? Infinity : Math.max(0, until * 1000 - Date.now()) + lateMs
  // what hinders it is told by who follows
  return ms < 2 ** 31 ? setTimeout(() => void then().catch(() => undefined), ms) : undefined
}

/** Waits until a job is over; nothing of its log is read. */
export async function untilOver(session: RuntimeSession, id: string, signal?: AbortSignal): Promise<void> {
  const {size} = await withAgent(session, (agent) => agent.locate(id, {signal}))
  await followLog(session, id, {offset: size, signal, onRecord: () => undefined})
}

/** Where to begin to show a part of a log, and where the log ended then: what comes behind that is new. */
export async function placeOf(session: RuntimeSession, id: string, {tail, since, until, search, stream, signal}: Omit<ReadLogOptions, 'follow' | 'onPiece'>): Promise<LogPlace> {
  return session.guard(() => withAgent(session, async (agent) => {
    // lines that are searched for may lie anywhere, and those before a time far from the log's end
    const lines = search || until !== undefined ? undefined : tail
    return agent.locate(id, {...(lines === undefined ? {} : {lines}), ...(since === undefined ? {} : {since}), ...(stream === undefined ? {} : {stream}), signal})
  }))
}

class Reader {
  readonly #options: ReadLogOptions
  readonly #size: number
  readonly #view: LogView
  #tail: Tail | undefined

  constructor(options: ReadLogOptions, size: number) {
    this.#options = options
    this.#size = size
    this.#view = new LogView(options)
    this.#tail = options.tail === undefined ? undefined : new Tail(options.tail)
  }

  /** Nothing from this record on is shown. */
  isPast(record: LogRecord): boolean {
    return this.#view.isPast(record)
  }

  take(record: LogRecord): void | Promise<void> {
    if (record.stream === 'notice') return this.#options.onNotice?.(describeGap(record))
    const pieces = this.#view.push(record)
    if (!this.#tail) return this.#show(pieces)
    for (const piece of pieces) this.#tail.push(piece)
    if (this.#options.follow && record.endOffset >= this.#size) return this.#flush()
  }

  async end(): Promise<void> {
    const rest = this.#view.end()
    if (this.#tail) {
      for (const piece of rest) this.#tail.push(piece)
      return this.#flush()
    }
    await this.#show(rest)
  }

  async #flush(): Promise<void> {
    const last = this.#tail?.take() ?? []
    this.#tail = undefined
    await this.#show(last)
  }

  // in a flood a promise a record would cost more than the record
  #show(pieces: LogPiece[]): void | Promise<void> {
    const [first] = pieces
    if (first === undefined) return
    if (pieces.length === 1) return this.#options.onPiece(first)
    return this.#showAll(pieces)
  }

  async #showAll(pieces: LogPiece[]): Promise<void> {
    for (const piece of pieces) await this.#options.onPiece(piece)
  }
}
