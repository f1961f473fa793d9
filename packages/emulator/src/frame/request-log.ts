import {createWriteStream, type WriteStream} from 'node:fs'
import type {Site} from '../contract.ts'

/** One request that reached the emulator. */
export interface LogEntry {
  /** counts up from 1 by arrival */
  id: number
  /** ISO 8601, by the emulator's clock */
  at: string
  site: Site
  method: string
  /** path and query, as they came */
  path: string
  /** every header as it was sent, names in lower case; a repeated one is joined by `, ` */
  headers: Record<string, string>
  /** what was answered; null: nothing (yet, or because a fault or the client cut it off). 101 for a WebSocket */
  status: number | null
  /** until it was answered in full, in real milliseconds; null while it is under way */
  ms: number | null
  /** e-mail address of the account whose token it carried, or whose runtime it went to */
  account: string | null
  /** of control calls, the first 64 KiB as UTF-8 */
  body?: string
  /** id of the fault that it met */
  fault?: string
}

export interface LogFilter {
  /** only entries with a higher id */
  since?: number | undefined
  /** a site, or its beginning with `*` at the end: `runtime:*` */
  site?: string | undefined
  /** part of path and query */
  path?: string | undefined
  method?: string | undefined
  status?: number | undefined
  /** the last so many of what matches */
  limit?: number | undefined
}

export interface RequestLogOptions {
  /** entries kept in memory; default 10_000 */
  keep?: number
  /** JSONL file that every answered request is appended to, 0600 */
  file?: string | undefined
}

/** The requests that came, newest last. */
export class RequestLog {
  readonly #keep: number
  readonly #file: WriteStream | undefined
  readonly #listeners = new Set<(entry: LogEntry) => void>()
  #entries: LogEntry[] = []
  #last = 0

  constructor({keep = 10_000, file}: RequestLogOptions = {}) {
    this.#keep = keep
    this.#file = file === undefined ? undefined : createWriteStream(file, {flags: 'a', mode: 0o600})
    // a full disk costs the file, not the emulator
    this.#file?.on('error', () => {})
  }

  /** requests that came so far */
  get count(): number {
    return this.#last
  }

  begin(facts: Omit<LogEntry, 'id' | 'status' | 'ms'>): LogEntry {
    const entry: LogEntry = {id: ++this.#last, ...facts, status: null, ms: null}
    this.#entries.push(entry)
    // in one go now and then: a shift per entry would be slow
    if (this.#entries.length >= this.#keep * 2) this.#entries = this.#entries.slice(-this.#keep)
    return entry
  }

  /** Called once per entry, when its answer is over. */
  end(entry: LogEntry, status: number | null, ms: number): void {
    entry.status = status
    entry.ms = Math.round(ms * 10) / 10
    this.#file?.write(`${JSON.stringify(entry)}\n`)
    for (const tell of this.#listeners) tell(entry)
  }

  /** Calls `tell` when a request was answered. Returns what ends that. */
  onEnd(tell: (entry: LogEntry) => void): () => void {
    this.#listeners.add(tell)
    return () => void this.#listeners.delete(tell)
  }

  query({since = 0, site, path, method, status, limit}: LogFilter = {}): LogEntry[] {
    const prefix = site?.endsWith('*') ? site.slice(0, -1) : undefined
    const found = this.#entries.slice(-this.#keep).filter((one) =>
      one.id > since
      && (site === undefined || (prefix === undefined ? one.site === site : one.site.startsWith(prefix)))
      && (path === undefined || one.path.includes(path))
      && (method === undefined || one.method === method.toUpperCase())
      && (status === undefined || one.status === status))
    return limit === undefined ? found : found.slice(-limit)
  }

  /** Forgets what is in memory; ids go on counting, the file stays. */
  clear(): void {
    this.#entries = []
  }

  /** Resolves when the file holds everything. */
  async close(): Promise<void> {
    const file = this.#file
    if (file === undefined || file.destroyed) return
    await new Promise<void>((resolve) => file.end(() => resolve()).once('error', () => resolve()))
  }
}
