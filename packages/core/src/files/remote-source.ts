import {hash} from 'node:crypto'
import type {AgentClient} from '../agent/client.ts'
import {type Answer, type Json, numberOf, StreamLost, textOf} from '../agent/channel.ts'
import type {AgentPart} from '../agent/parts.ts'
import {agentProblem} from '../agent/problem.ts'
import {errors, type CgpuError} from '../errors.ts'
import {sanitizeLine} from '../text/line.ts'
import {Buffers} from './buffers.ts'
import {damaged, frame, rowsOf, unframe} from './frame.ts'
import {staysBelow} from './names.ts'
import {hostile} from './problem.ts'
import {Served, type ServedFiles} from './served.ts'
import type {Content, Entry, Origin, Reader, Root, Source} from './side.ts'

/** what is smaller is not worth another connection */
const servedBytes = 16 << 20

const kinds: Record<string, Entry['kind']> = {f: 'file', d: 'folder', l: 'link', e: 'unreadable'}

/** [path, kind, size, mtime, mode, more] as the machine tells it; unknown kinds are `other`. */
export function entryOf([path, kind, size, mtime, mode, more]: unknown[]): Entry {
  const entry: Entry = {
    path: typeof path === 'string' ? path : '', kind: kinds[String(kind)] ?? 'other',
    size: count(size), mtime: typeof mtime === 'number' && Number.isSafeInteger(mtime) ? mtime : 0, mode: count(mode) & 0o7777,
  }
  if (entry.kind === 'link') entry.link = typeof more === 'string' ? more : ''
  if (entry.kind === 'unreadable') entry.reason = typeof more === 'string' ? more : ''
  return entry
}

function count(value: unknown): number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 ? value : 0
}

export interface RemoteSourceOptions {
  name: string
  path: string
  follow?: boolean
  signal?: AbortSignal | undefined
  served?: ServedFiles | undefined
}

/** A path of a machine, or a pattern there. What it tells is not believed: no name leaves its folder, no length is other than told. */
export class RemoteSource implements Source {
  readonly #part: AgentPart
  readonly #name: string
  readonly #path: string
  readonly #follow: boolean
  readonly #signal: AbortSignal | undefined
  readonly #files: ServedFiles | undefined
  readonly #opened = new Set<string>()

  constructor(agent: AgentClient, {name, path, follow = false, signal, served}: RemoteSourceOptions) {
    this.#files = served
    this.#part = agent.part('copy')
    this.#name = name
    this.#path = path
    this.#follow = follow
    this.#signal = signal
  }

  label(path: string): string {
    return `${this.#name}:${path}`
  }

  async roots(): Promise<{roots: Root[]; pattern: boolean}> {
    const {data, buffers} = await this.#ask('roots', {source: this.#path})
    const roots = rowsOf(unframe(buffers[0]).header, 'roots').map(row => ({path: String(row[0]), entry: {...entryOf(row), path: ''}}))
    const missing = `there is no file ${sanitizeLine(this.#path)} on ${this.#name}`
    if (roots.length === 0) throw errors.notFound(missing, {code: 'FILE_NOT_FOUND', category: 'file', fix: `see what is there: cgpu fs ls ${this.#name}:`})
    return {roots, pattern: data['pattern'] === true}
  }

  async *walk(folder: string): AsyncIterable<Entry[]> {
    // told at once when it is whole: a link that was lost in between makes it begin anew
    for (;;) {
      try {
        yield await this.#listing(folder)
        return
      } catch (error) {
        if (!(error instanceof StreamLost)) throw error
      }
    }
  }

  async #listing(folder: string): Promise<Entry[]> {
    const found: Entry[] = []
    const folders = new Set<string>([''])
    let lost = false
    const add = ({data, buffers}: Answer): void => {
      if (numberOf(data, 'at') !== found.length) lost = true
      if (lost) return
      for (const row of rowsOf(unframe(buffers[0]).header, 'entries')) found.push(this.#checked(entryOf(row), folders))
    }
    let failure: unknown
    const stream = await this.#part.stream('walk', {}, answer => {
      try {
        add(answer)
      } catch (error) {
        failure ??= error
        stream.cancel()
      }
    }, this.#signal, [frame({root: folder, follow: this.#follow})])
    const answer = await stream.answer.catch((error: unknown) => {
      throw failure ?? error
    })
    if (failure) throw failure as Error
    if (answer.data['stopped'] === true) throw new StreamLost()
    add(answer)
    if (lost) throw new StreamLost()
    return found
  }

  /** A name that leaves, or that lies in what is no folder, is told by no agent of ours. */
  #checked(entry: Entry, folders: Set<string>): Entry {
    if (entry.kind === 'unreadable' && entry.path === '') return entry
    const slash = entry.path.lastIndexOf('/')
    if (!staysBelow(entry.path) || !folders.has(slash < 0 ? '' : entry.path.slice(0, slash)) || folders.has(entry.path)) {
      if (!(entry.kind === 'unreadable' && folders.has(entry.path))) throw hostile(this.#name, entry.path)
    }
    if (entry.kind === 'folder') folders.add(entry.path)
    return entry
  }

  async readAll(base: string, paths: string[]): Promise<(Content | CgpuError)[]> {
    const {buffers} = await this.#ask('pack', {root: base, paths})
    const {header, data} = unframe(buffers[0])
    const rows = rowsOf(header, 'files')
    if (rows.length !== paths.length) throw damaged('the list of files')
    let at = 0
    return rows.map((row): Content | CgpuError => {
      if (row.length === 2) return agentProblem({code: row[0], message: row[1]})
      const [size, mtime, mode, sha256] = row
      const bytes = data.subarray(at, (at += count(size)))
      if (bytes.length !== size || hash('sha256', bytes) !== sha256) throw damaged('a file')
      return {data: bytes, mtime: count(mtime), mode: count(mode), sha256}
    })
  }

  async open({base, path}: Origin): Promise<Reader> {
    const {data} = await this.#ask('open', {root: base, path})
    const reader = textOf(data, 'reader')
    const part = this.#part
    const signal = this.#signal
    const memory = new Buffers()
    let served = count(data['size']) > servedBytes && extentsOf(data) === undefined ? this.#served(base, path) : undefined
    // what does not pass the agent is hashed by it meanwhile, and not behind it
    if (served !== undefined) part.request('ahead', {reader}, {signal}).catch(() => undefined) // `finish` does what it did not
    return {
      size: count(data['size']), mtime: count(data['mtime']), mode: count(data['mode']),
      identity: [this.#name, base, path, textOf(data, 'identity')].join('\n'),
      extents: extentsOf(data), sparse: false, hashes: true,
      async read(offset, size) {
        if (served) {
          const bytes = memory.take(size)
          const came = await served.read(offset, bytes).then(() => true, () => false)
          signal?.throwIfAborted()
          if (came) return bytes
          served = undefined
        }
        const {buffers} = await part.request('piece', {reader, offset, size}, {signal})
        if (buffers[0]?.length !== size) throw damaged('a piece')
        return buffers[0]
      },
      recycle: data => memory.give(data),
      async finish() {
        return textOf((await part.request('close', {reader}, {signal})).data, 'sha256')
      },
      async close() {
        served?.close()
        await part.request('close', {reader, drop: true})
      },
    }
  }

  /**
   * Its path for the server. Not for what it hides, and once only for each file: should the server's folder be another one than we
   * believe, then what comes is another file, which the sha256 tells, and the next time it comes by the comm.
   */
  #served(base: string, path: string): Served | undefined {
    const whole = path === '' ? base : `${base.replace(/\/$/, '')}/${path}`
    const root = `${this.#files?.root.replace(/\/$/, '')}/`
    const first = !this.#opened.has(whole)
    this.#opened.add(whole)
    if (!this.#files || !first || !whole.startsWith(root) || !whole.isWellFormed()) return undefined
    const below = whole.slice(root.length)
    return below.split('/').some(name => name.startsWith('.')) ? undefined : new Served(this.#files, below)
  }

  #ask(op: string, header: Json): Promise<Answer> {
    return this.#part.request(op, {}, {buffers: [frame(header)], signal: this.#signal})
  }
}

/** Those of a file with holes; undefined when they are not in order. */
function extentsOf(data: Json): [number, number][] | undefined {
  if (!Array.isArray(data['extents'])) return undefined
  const found: [number, number][] = []
  let last = 0
  for (const [from, to] of rowsOf(data, 'extents')) {
    if (!Number.isSafeInteger(from) || !Number.isSafeInteger(to) || count(from) < last || count(to) <= count(from) || count(to) > count(data['size'])) return undefined
    found.push([count(from), (last = count(to))])
  }
  return found
}
