import type {RemoteEntry} from '../agent/models.ts'

/** A place on a machine. */
export interface RemotePath {
  /** below the working folder unless absolute; characters that are no UTF-8 show as U+FFFD */
  path: string
  /** the path's bytes in base64, only where it is no UTF-8: it goes before the text */
  raw?: string
}

/** What a listing tells of a file, a folder, a link. */
export interface FoundEntry extends RemotePath {
  type: RemoteEntry['type']
  /** bytes */
  size: number
  /** permission bits */
  mode: number
  /** unix seconds */
  mtime: number
  /** of a link: what it says */
  target?: string
}

/** Everything about one place. */
export interface DescribedEntry extends FoundEntry {
  /** absolute, with all links followed */
  real: string
  /** how many names it has */
  links: number
  /** bytes that it takes there */
  onDisk: number
  inode: number
  /** unix seconds */
  changed: number
  accessed: number
  owner: string
  group: string
  uid: number
  gid: number
  /** of a file, when asked for */
  sha256?: string
}

/** What a folder takes, all below it included. */
export interface FolderSize extends RemotePath {
  /** bytes, of files and folders as they say */
  size: number
  /** bytes that they take there */
  onDisk: number
  files: number
}

type Json = Record<string, unknown>
const text = (value: unknown): string => (typeof value === 'string' ? value : '')
const number = (value: unknown): number => (typeof value === 'number' ? value : 0)
const optional = <K extends string>(data: Json, name: K): {[key in K]?: string} => (typeof data[name] === 'string' ? ({[name]: data[name]} as {[key in K]?: string}) : {}) // a computed key is typed as any text

/** `name` of a folder's entries, `path` of everything else. */
export function foundOf(data: Json): FoundEntry {
  return {
    path: text(data['path'] ?? data['name']), ...optional(data, 'raw'), type: text(data['type']) || 'other',
    size: number(data['size']), mode: number(data['mode']), mtime: number(data['mtime']), ...optional(data, 'target'),
  }
}

export function describedOf(data: Json): DescribedEntry {
  return {
    ...foundOf(data), real: text(data['real']), links: number(data['links']), onDisk: number(data['onDisk']), inode: number(data['inode']),
    changed: number(data['changed']), accessed: number(data['accessed']), owner: text(data['owner']), group: text(data['group']),
    uid: number(data['uid']), gid: number(data['gid']), ...optional(data, 'sha256'),
  }
}

export function sizeOf(data: Json): FolderSize {
  return {path: text(data['path']), ...optional(data, 'raw'), size: number(data['size']), onDisk: number(data['onDisk']), files: number(data['files'])}
}
