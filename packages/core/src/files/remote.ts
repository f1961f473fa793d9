import type {AgentClient} from '../agent/client.ts'
import {type DescribedEntry, describedOf, type FolderSize, type FoundEntry, foundOf, type RemotePath, sizeOf} from './entry.ts'
import {pour} from './pour.ts'
import {read, type ReadOptions} from './read.ts'

export type {DescribedEntry, FolderSize, FoundEntry, RemotePath} from './entry.ts'
export type {ReadOptions} from './read.ts'

export interface Signalled {
  signal?: AbortSignal | undefined
}

export interface ListOptions extends Signalled {
  /** those whose names begin with a dot too */
  all?: boolean
  /** by name; the largest or newest first. Default: name */
  sort?: 'name' | 'size' | 'time'
  reverse?: boolean
}

export interface FindOptions extends Signalled {
  /** patterns of file names, of which one must match */
  names?: string[]
  type?: 'file' | 'directory' | 'link'
  /** bytes */
  minSize?: number
  maxSize?: number
  /** changed after this unix time */
  newer?: number
  /** 1: only what is in the folder itself */
  maxDepth?: number
}

/** Folders that could not be read: some of them with the reason, and how many. */
export interface Denied {
  some: string[]
  count: number
}

/**
 * A machine's files where they are. Paths that are not absolute are below its working folder; names that are no UTF-8 are told and
 * taken by their bytes. Throws CgpuError, or the reason of the signal.
 */
export class RemoteFiles {
  readonly #agent: AgentClient

  constructor(agent: AgentClient) {
    this.#agent = agent
  }

  /** A file, a link (not what it points to), an empty folder; `recursive`: a folder and all below it. Never the working folder, the home or the root. */
  async remove(place: string | RemotePath, options: {recursive?: boolean} & Signalled = {}): Promise<void> {
    const {recursive = false, signal} = options
    await this.#agent.part('files').request('remove', {...placed(place), recursive}, {signal})
  }

  /** `parents`: those above it too, and it may be there. */
  async mkdir(path: string, options: {parents?: boolean} & Signalled = {}): Promise<void> {
    const {parents = false, signal} = options
    await this.#agent.part('files').request('make', {path, parents}, {signal})
  }

  /** To a name, or into a folder that is there (`into`: it must be). A file that is there is replaced with `force` only. Resolves to the new absolute path. */
  async move(from: string | RemotePath, to: string, options: {force?: boolean; into?: boolean} & Signalled = {}): Promise<string> {
    const {force = false, into = false, signal} = options
    const {data} = await this.#agent.part('files').request('move', {...placed(from), to, force, into}, {signal})
    return String(data['path'])
  }

  /** Puts the file `from` in a file's place if that has this sha256; undefined: if nothing is there. Otherwise FILE_CHANGED (72), and `from` is gone. */
  async replace(path: string, from: string, sha256: string | undefined, {signal}: Signalled = {}): Promise<void> {
    await this.#agent.part('files').request('replace', {path, from, ...(sha256 === undefined ? {} : {sha256})}, {signal})
  }

  /** What is in a folder, by name only; of anything else, itself. */
  async list(place: string | RemotePath, onEntries: (entries: FoundEntry[]) => void | Promise<void>, options: ListOptions = {}): Promise<void> {
    const {signal, ...fields} = options
    await pour(this.#listing, 'list', {...placed(place), ...fields}, {make: foundOf, onEntries, signal})
  }

  /** All below a folder that matches, parents first, in order of names, by paths below it; links are not followed. */
  async find(place: string | RemotePath, onEntries: (entries: FoundEntry[]) => void | Promise<void>, options: FindOptions = {}): Promise<Denied> {
    const {signal, ...fields} = options
    return deniedOf(await pour(this.#listing, 'find', {...placed(place), ...fields}, {make: foundOf, onEntries, signal}))
  }

  /** What a path or a pattern (`*`, `?`, `[a-z]`, `**`) stands for; empty: nothing. A file that is called like the pattern goes first. */
  async expand(pattern: string, {signal}: Signalled = {}): Promise<FoundEntry[]> {
    const all: FoundEntry[] = []
    await pour(this.#listing, 'expand', {path: pattern}, {make: foundOf, onEntries: entries => void all.push(...entries), signal})
    return all
  }

  /** What a folder takes, and the folders in it down to `depth`; itself last, with an empty path. */
  async usage(place: string | RemotePath, depth: number, {signal}: Signalled = {}): Promise<{sizes: FolderSize[]; denied: Denied}> {
    const sizes: FolderSize[] = []
    const data = await pour(this.#listing, 'usage', {...placed(place), depth}, {make: sizeOf, onEntries: entries => void sizes.push(...entries), signal})
    return {sizes, denied: deniedOf(data)}
  }

  /** Everything about one place; of a link, the link itself unless `follow`. */
  async describe(place: string | RemotePath, options: {follow?: boolean; hash?: boolean} & Signalled = {}): Promise<DescribedEntry> {
    const {signal, ...fields} = options
    const {data} = await this.#listing.request('describe', {...placed(place), ...fields}, {signal})
    return describedOf(data)
  }

  /** Reads a file piece by piece, from any place, and while it grows. */
  async read(place: string | RemotePath, options: ReadOptions): Promise<void> {
    await read(this.#agent.part('reading'), placed(place), options)
  }

  get #listing(): ReturnType<AgentClient['part']> {
    return this.#agent.part('listing')
  }
}

/** As a request has it. */
function placed(place: string | RemotePath): RemotePath {
  if (typeof place === 'string') return {path: place}
  return place.raw === undefined ? {path: place.path} : {path: place.path, raw: place.raw}
}

function deniedOf(data: Record<string, unknown>): Denied {
  const some = Array.isArray(data['denied']) ? data['denied'].filter((one): one is string => typeof one === 'string') : []
  return {some, count: typeof data['deniedCount'] === 'number' ? data['deniedCount'] : 0}
}
