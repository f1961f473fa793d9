import type {Hash} from 'node:crypto'
import type {CgpuError} from '../errors.ts'

/** What is in a folder. Times are microseconds since 1970, modes permission bits. */
export interface Entry {
  /** below the folder, `/`-separated; bytes that are no UTF-8 are lone surrogates (names.ts) */
  path: string
  kind: 'file' | 'folder' | 'link' | 'other' | 'unreadable'
  size: number
  mtime: number
  mode: number
  /** what a link points to */
  link?: string
  /** why it is unreadable */
  reason?: string
}

/** One of the paths that a source stands for. */
export interface Root {
  /** an absolute path there */
  path: string
  /** `unreadable` when it cannot be looked at */
  entry: Entry
}

/** A file below a folder of a source. */
export interface Origin {
  base: string
  path: string
}

export interface Content {
  data: Uint8Array
  mtime: number
  mode: number
  /** hex */
  sha256: string
}

/** A large file that is open. */
export interface Reader {
  size: number
  mtime: number
  mode: number
  /** equal for the same content of the same file; what a copy that was cut goes on by */
  identity: string
  /** [from, to] of what is not holes; undefined: not known */
  extents: [number, number][] | undefined
  /** looked at for zeros in small steps */
  sparse: boolean
  /** `finish` tells the sha256 of the whole, of what nobody read too */
  hashes: boolean
  /** Exactly so many bytes. Throws FILE_CHANGED. */
  read(offset: number, size: number): Promise<Uint8Array>
  /** What `read` gave is not needed any more: its memory may be the next one's. */
  recycle?(data: Uint8Array): void
  /** The sha256 as its own machine made it; undefined where that is this one, or knows none. Throws FILE_CHANGED. */
  finish(): Promise<string | undefined>
  close(): Promise<void>
}

/** Where files come from. What goes wrong with one file is a CgpuError of category `file`; see problem.ts. */
export interface Source {
  /** for people: `trainer:data/a.csv` */
  label(path: string): string
  roots(): Promise<{roots: Root[]; pattern: boolean}>
  /** All that is below a folder, parents first. Folders that `enters` refuses may be left out with all that is in them. */
  walk(folder: string, enters: (path: string) => boolean): AsyncIterable<Entry[]>
  /** Small files, whole; what could not be read is its error. */
  readAll(base: string, paths: string[]): Promise<(Content | CgpuError)[]>
  open(origin: Origin): Promise<Reader>
}

export interface Seen {
  kind: Entry['kind']
  size: number
  mtime: number
}

/** A file of a sink's folder, and why it is not there. */
export interface Failure {
  path: string
  error: CgpuError
}

/** [zeros, size]: so many zeros, then so many bytes of the data */
export type Runs = [number, number][]

/** A large file on its way in. */
export interface Writer {
  /** what a former copy left of it */
  received: number
  write(offset: number, runs: Runs, data: Uint8Array): Promise<void>
  /** It appears, or FILE_DAMAGED. */
  finish(sha256: string): Promise<void>
  /** `keep`: a later copy may go on with it */
  drop(keep: boolean): Promise<void>
  /** The hash of what is there already, where that is on this machine. */
  prefix?(): Promise<Hash>
}

export interface Incoming {
  size: number | undefined
  mtime: number | undefined
  mode: number | undefined
  /** 12 hex digits; undefined: never gone on with */
  key: string | undefined
}

/** The folder that files go to. Every path is below it. */
export interface Sink {
  label(path: string): string
  /** false: there is nothing yet, and no need to look */
  exists: boolean
  look(paths: string[]): Promise<(Seen | undefined)[]>
  folders(paths: string[]): Promise<Failure[]>
  put(files: (Content & {path: string})[]): Promise<Failure[]>
  begin(path: string, incoming: Incoming): Promise<Writer>
  /** Links, then modes and times of folders. */
  settle(links: {path: string; link: string}[], folders: Entry[]): Promise<Failure[]>
}
