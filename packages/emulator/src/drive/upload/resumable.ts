import {open, stat, truncate, writeFile} from 'node:fs/promises'
import type {Caller, Clock} from '../../contract.ts'
import type {Blobs} from '../blobs.ts'
import {refuse} from '../errors.ts'
import type {Ids} from '../ids.ts'
import type {DriveFile} from '../model.ts'

/** Chunks end on multiples of it, except the last. */
export const chunkUnit = 256 * 1024
/** "A resumable session URI expires after one week." */
const lifetimeMs = 7 * 24 * 3_600_000

/** An upload that comes in pieces. Its metadata was checked when it began. */
export interface UploadSession {
  id: string
  caller: Caller
  /** `create`, or the id of the file whose content it replaces */
  target: string
  metadata: unknown
  query: Record<string, string>
  type: string
  /** as announced by X-Upload-Content-Length or a chunk */
  total: number | undefined
  path: string
  begun: number
  /** one request at a time */
  line: Promise<unknown>
  /** ends the request that is writing */
  cut: AbortController
  /** what it became: asked again, it answers the same */
  became?: Promise<DriveFile>
}

export type Progress = {kind: 'more'; received: number} | {kind: 'complete'}

/** Upload sessions; they end with the emulator, and a client then begins again, as after a 404 of Google's. */
export class Uploads {
  readonly #sessions = new Map<string, UploadSession>()
  readonly #blobs: Blobs
  readonly #clock: Clock
  readonly #ids: Ids

  constructor(blobs: Blobs, clock: Clock, ids: Ids) {
    this.#blobs = blobs
    this.#clock = clock
    this.#ids = ids
  }

  async begin(options: Pick<UploadSession, 'caller' | 'target' | 'metadata' | 'query' | 'type' | 'total'>): Promise<UploadSession> {
    const session: UploadSession = {...options, id: this.#ids.upload(), path: this.#blobs.scratch(), begun: this.#clock.now(), line: Promise.resolve(), cut: new AbortController()}
    await writeFile(session.path, '', {mode: 0o600})
    this.#sessions.set(session.id, session)
    return session
  }

  /** Throws 404 for one that never was, was cancelled, or is older than a week. */
  find(id: string): UploadSession {
    const session = this.#sessions.get(id)
    if (session && this.#clock.now() - session.begun < lifetimeMs) return session
    if (session) void this.cancel(session)
    throw refuse.other(404, 'notFound', 'The upload session is not there any more; begin again.')
  }

  async cancel(session: UploadSession): Promise<void> {
    this.#sessions.delete(session.id)
    await this.#blobs.discard(session)
  }

  /** How far it came. */
  received(session: UploadSession): Promise<number> {
    return this.#inLine(session, () => this.#size(session))
  }

  /**
   * Takes in a chunk. A connection that breaks leaves the whole units that came; a chunk may overlap what is there
   * and may not leave a gap.
   */
  chunk(session: UploadSession, range: ContentRange, body: AsyncIterable<Buffer>): Promise<Progress> {
    return this.#inLine(session, (signal) => this.#write(session, range, interruptible(body, signal)))
  }

  /** A new request ends the one before: its connection is broken, only that was not noticed yet. */
  #inLine<T>(session: UploadSession, what: (signal: AbortSignal) => Promise<T>): Promise<T> {
    session.cut.abort()
    const cut = new AbortController()
    session.cut = cut
    const turn = session.line.catch(() => undefined).then(() => what(cut.signal))
    session.line = turn
    return turn
  }

  async #size(session: UploadSession): Promise<number> {
    return (await stat(session.path)).size
  }

  async #write(session: UploadSession, range: ContentRange, body: AsyncIterable<Buffer>): Promise<Progress> {
    const before = await this.#size(session)
    const total = range.total ?? session.total
    if (session.total !== undefined && range.total !== undefined && range.total !== session.total) throw refuse.body('Invalid request. The upload size in the Content-Range header differs from the one that was announced.')
    if (range.start !== undefined && range.start > before) throw refuse.body(`Invalid request. According to the Content-Range header, the upload offset is ${range.start} byte(s), which exceeds already uploaded size of ${before} byte(s).`)
    const length = range.end === undefined || range.start === undefined ? undefined : range.end - range.start + 1
    const last = total !== undefined && (range.end === undefined || range.end + 1 === total)
    if (length !== undefined && !last && length < chunkUnit) throw refuse.body(`Invalid request. The number of bytes uploaded is required to be equal or greater than ${chunkUnit}, except for the final request (it's recommended to be the exact multiple of ${chunkUnit}). The received request contained ${length} bytes, which does not meet this requirement.`)
    const whole = range.start === undefined
    let [size, complete] = [before, false]
    const file = await open(session.path, 'r+')
    try {
      let at = range.start ?? 0
      if (whole) size = 0
      for await (const chunk of body) {
        const fresh = chunk.subarray(Math.min(Math.max(0, size - at), chunk.length))
        at += chunk.length
        if (total !== undefined && at > total) throw refuse.body('Invalid request. More bytes came than were announced.')
        if (fresh.length === 0) continue
        await file.write(fresh, 0, fresh.length, size)
        size += fresh.length
      }
      complete = total === undefined ? whole : size === total
    } finally {
      await file.close()
      if (!complete) size -= size % chunkUnit
      await truncate(session.path, Math.max(size, whole ? 0 : before))
    }
    if (complete) return {kind: 'complete'}
    return {kind: 'more', received: await this.#size(session)}
  }
}

async function* interruptible<T>(source: AsyncIterable<T>, signal: AbortSignal): AsyncGenerator<T> {
  const iterator = source[Symbol.asyncIterator]()
  const cut = new Promise<never>((_, reject) => {
    const end = (): void => reject(refuse.other(503, 'backendError', 'Another request goes on with this upload.'))
    if (signal.aborted) end()
    signal.addEventListener('abort', end, {once: true})
  })
  cut.catch(() => undefined)
  for (;;) {
    const next = await Promise.race([iterator.next(), cut])
    if (next.done === true) return
    yield next.value
  }
}

export interface ContentRange {
  /** undefined: the body is all of it */
  start?: number
  end?: number
  total?: number
  /** `*` in front: a question, no bytes */
  status: boolean
}

// `bytes 0-524287/2000000`, `bytes 0-524287/*`, and the questions `bytes */2000000` and `bytes */*`. Throws 400.
export function parseContentRange(text: string | undefined): ContentRange {
  if (text === undefined) return {status: false}
  const found = /^bytes\s+(?:(\d{1,15})-(\d{1,15})|\*)\/(\d{1,15}|\*)$/.exec(text.trim())
  const [, start, end, total] = found ?? []
  const range: ContentRange = {status: start === undefined}
  if (start !== undefined) range.start = Number(start)
  if (end !== undefined) range.end = Number(end)
  if (total !== undefined && total !== '*') range.total = Number(total)
  const backwards = range.start !== undefined && range.end !== undefined && (range.end < range.start || (range.total !== undefined && range.end >= range.total))
  if (!found || backwards) throw refuse.body('Failed to parse Content-Range header.')
  return range
}
