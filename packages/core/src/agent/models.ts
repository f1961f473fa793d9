import {isObject} from '../state/json.ts'

/** What an agent says of itself and its machine. */
export interface AgentHello {
  /** of the agent: SHA-256 of its source, 16 digits */
  version: string
  /** 3.11.7 */
  python: string
  /** the kernel's Python, absolute */
  executable: string
  /** sys.platform: linux, darwin, win32 */
  platform: string
  /** the agent's own folder, absolute */
  home: string
  /** what relative paths are relative to, absolute */
  workdir: string
  /** of the control kernel */
  pid: number
}

/** A run as the machine knows it. Times are unix seconds by the machine's clock; unknown states are data. */
export interface JobStatus {
  id: string
  kind: 'job' | 'cell' | (string & {})
  /** `lost`: its supervisor, or its kernel, died without saying how it ended; `unknown`: the machine knows no such run */
  state: 'starting' | 'running' | 'exited' | 'lost' | 'unknown' | (string & {})
  /** null before it started, and when it could not be started */
  pid: number | null
  startedAt: number | null
  endedAt: number | null
  /** 128+n when signal n ended it; null while it runs */
  exitCode: number | null
  /** SIGKILL */
  signal: string | null
  stdoutBytes: number
  stderrBytes: number
  /** size of the log */
  logBytes: number
  /** output that is not in the log: over its limit, or the disk was full */
  droppedBytes: number
  /** false: it reads an empty stdin, and cannot be fed; absent where the machine does not tell */
  stdin?: boolean
  /** why it could not be started */
  error?: string
  /** somebody asked for its end: it comes, or has come */
  cancelled?: boolean
  /** absent when it exited by itself; `oom`: the machine had no memory left */
  reason?: 'oom' | 'cancelled' | 'signal' | (string & {})
  /** of all its processes together; memory that forked processes share counts for each */
  peakMemoryBytes?: number
  /** absent without a GPU */
  peakGpuMemoryBytes?: number
  /** output is missing in the log because the disk was full */
  diskFull?: boolean
  /** of its folder's disk, at the end */
  diskFreeBytes?: number
  /** the last sign of life of what runs it */
  heartbeatAt?: number
  /** from 1 */
  attempt?: number
  restarts?: number
  /** what was asked for */
  argv?: string[]
  shell?: string
  cwd?: string
  createdAt?: number
  envNames?: string[]
  maxRestarts?: number
  resume?: string[]
  checkpoint?: string
  fingerprint?: string
}

/** A place in a log that ends a record. */
export interface LogPlace {
  offset: number
  /** where the log's whole records ended just now */
  size: number
}

/** A file below the root of a glob. */
export interface RemoteFile {
  /** relative, `/` separated */
  path: string
  size: number
  mode: number
  /** unix seconds */
  mtime: number
}

export interface RemoteEntry {
  name: string
  type: 'file' | 'directory' | 'link' | 'other' | (string & {})
  size: number
  mode: number
  mtime: number
}

export interface RemoteStat {
  exists: boolean
  type?: RemoteEntry['type']
  size?: number
  mode?: number
  mtime?: number
  /** of a file, when asked for */
  sha256?: string
}

export interface Devices {
  accelerators: {kind: string; name: string; memoryBytes?: number}[]
  cpus: number
  memoryBytes: number | null
}

/** Whether the machine releases itself when nobody uses it. Seconds. */
export interface LeaseState {
  set: boolean
  seconds: number | null
  /** until it lapses if nobody uses the machine any more */
  left: number | null
  /** why there is none */
  reason?: string
}

type Json = Record<string, unknown>
const text = (value: unknown): string => (typeof value === 'string' ? value : '')
const number = (value: unknown): number => (typeof value === 'number' ? value : 0)
const numberOrNull = (value: unknown): number | null => (typeof value === 'number' ? value : null)

export function helloOf(data: Json): AgentHello {
  return {
    version: text(data['version']),
    python: text(data['python']),
    executable: text(data['executable']),
    platform: text(data['platform']),
    home: text(data['home']),
    workdir: text(data['workdir']),
    pid: number(data['pid']),
  }
}

/** Of these fields, those that are there and are what they should be. */
function given<K extends string, T>(data: Json, names: readonly K[], is: (value: unknown) => value is T): {[name in K]?: T} {
  const found: {[name in K]?: T} = {}
  for (const name of names) {
    const value = data[name]
    if (is(value)) found[name] = value
  }
  return found
}

const isNumber = (value: unknown): value is number => typeof value === 'number'
const isText = (value: unknown): value is string => typeof value === 'string'
const isBoolean = (value: unknown): value is boolean => typeof value === 'boolean'
const isTrue = (value: unknown): value is true => value === true
const isTexts = (value: unknown): value is string[] => Array.isArray(value) && value.every(isText)

export function statusOf(value: unknown): JobStatus {
  const data = isObject(value) ? value : {}
  const {error} = data
  return {
    id: text(data['id']),
    kind: text(data['kind']) || 'job',
    state: text(data['state']) || 'unknown',
    pid: numberOrNull(data['pid']),
    startedAt: numberOrNull(data['startedAt']),
    endedAt: numberOrNull(data['endedAt']),
    exitCode: numberOrNull(data['exitCode']),
    signal: typeof data['signal'] === 'string' ? data['signal'] : null,
    stdoutBytes: number(data['stdoutBytes']),
    stderrBytes: number(data['stderrBytes']),
    logBytes: number(data['logBytes']),
    droppedBytes: number(data['droppedBytes']),
    ...(isObject(error) ? {error: text(error['message'])} : {}),
    ...given(data, ['cancelled', 'diskFull'], isTrue),
    ...given(data, ['stdin'], isBoolean),
    ...given(data, ['peakMemoryBytes', 'peakGpuMemoryBytes', 'diskFreeBytes', 'heartbeatAt', 'attempt', 'restarts', 'createdAt', 'maxRestarts'], isNumber),
    ...given(data, ['reason', 'shell', 'cwd', 'checkpoint', 'fingerprint'], isText),
    ...given(data, ['argv', 'envNames', 'resume'], isTexts),
  }
}

export function leaseOf(data: Json): LeaseState {
  const {reason} = data
  return {
    set: data['set'] === true, seconds: numberOrNull(data['seconds']), left: numberOrNull(data['left']),
    ...(typeof reason === 'string' ? {reason} : {}),
  }
}

export function fileOf(data: Json): RemoteFile {
  return {path: text(data['path']), size: number(data['size']), mode: number(data['mode']), mtime: number(data['mtime'])}
}

export function entryOf(data: Json): RemoteEntry {
  return {name: text(data['name']), type: text(data['type']), size: number(data['size']), mode: number(data['mode']), mtime: number(data['mtime'])}
}

export function statOf(data: Json): RemoteStat {
  if (data['exists'] !== true) return {exists: false}
  const {type, size, mode, mtime} = entryOf(data)
  return {exists: true, type, size, mode, mtime, ...(typeof data['sha256'] === 'string' ? {sha256: data['sha256']} : {})}
}

export function devicesOf(data: Json): Devices {
  const accelerators = Array.isArray(data['accelerators']) ? data['accelerators'].filter(isObject) : []
  return {
    accelerators: accelerators.map(each => ({
      kind: text(each['kind']),
      name: text(each['name']),
      ...(typeof each['memoryBytes'] === 'number' ? {memoryBytes: each['memoryBytes']} : {}),
    })),
    cpus: number(data['cpus']),
    memoryBytes: numberOrNull(data['memoryBytes']),
  }
}
