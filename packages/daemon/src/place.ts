import type {Stats} from 'node:fs'

// as in handshake.ts: imports of built-ins read all of their exports
const fs = process.getBuiltinModule('node:fs')
const os = process.getBuiltinModule('node:os')
const path = process.getBuiltinModule('node:path')

/** Of what is said after the handshake. A daemon that speaks another one is replaced. */
export const protocolVersion = 1

/** What `daemon.json` (0600) says of a running daemon. */
export interface DaemonRecord {
  pid: number
  /** tells the process from a later one with this pid */
  startTime?: string
  protocol: number
  version: string
  /** differs between two builds of one version */
  build: string
  token: string
  /** path of the socket, or name of the pipe */
  socket: string
}

/** Where a daemon's files are; `state` is cgpu's state folder. */
export interface DaemonPlace {
  folder: string
  record: string
  lock: string
  log: string
}

export function daemonPlace(state: string): DaemonPlace {
  const at = (name: string): string => path.join(state, 'daemon', name)
  return {folder: path.join(state, 'daemon'), record: at('daemon.json'), lock: at('daemon.lock'), log: at('daemon.log')}
}

/** Linux allows 107 bytes for the path of a socket, macOS 103. */
const maxSocketBytes = 100

/**
 * Where the socket of a daemon of this state folder goes, and the folder that must be private for it. Each has a name of its own: closing
 * a socket removes its file, and one whose folder was taken away and made anew under it would remove its successor's.
 */
export function socketPlace(state: string, env: NodeJS.ProcessEnv = process.env): {socket: string; folder?: string} {
  if (process.platform === 'win32') return {socket: `\\\\.\\pipe\\cgpu-${hashOf(state)}-${process.pid}-${Math.random().toString(36).slice(2)}`}
  const {folder} = daemonPlace(state)
  const name = `daemon-${process.getBuiltinModule('node:crypto').randomBytes(4).toString('hex')}.sock`
  const usual = path.join(folder, name)
  if (Buffer.byteLength(usual) <= maxSocketBytes) return {socket: usual, folder}
  const short = path.join(env['XDG_RUNTIME_DIR'] || os.tmpdir(), `cgpu-${process.getuid?.() ?? 0}-${hashOf(state)}`)
  return {socket: path.join(short, name), folder: short}
}

const hashOf = (text: string): string => process.getBuiltinModule('node:crypto').createHash('sha256').update(text).digest('base64url').slice(0, 16)

/** Why this file or folder may be somebody else's; undefined: only its owner, who is us, can reach it. */
export function exposed(target: string, want: 'file' | 'folder'): string | undefined {
  let stat: Stats
  try {
    stat = fs.lstatSync(target)
  } catch {
    return 'it is not there'
  }
  if (want === 'file' ? !stat.isFile() : !stat.isDirectory()) return `it is no ${want}`
  if (process.platform === 'win32') return undefined
  if (stat.uid !== process.getuid?.()) return 'it belongs to someone else'
  return (stat.mode & 0o077) === 0 ? undefined : `others may use it (mode ${(stat.mode & 0o777).toString(8)})`
}

/** The daemon that left word of itself; a text that says why there is none to be trusted. */
export function readDaemonRecord(state: string): DaemonRecord | string {
  const {folder, record} = daemonPlace(state)
  const wrong = exposed(folder, 'folder') ?? exposed(record, 'file')
  if (wrong) return wrong === 'it is not there' ? 'none runs' : `its folder or file cannot be trusted: ${wrong}`
  let value: unknown
  try {
    value = JSON.parse(fs.readFileSync(record, 'utf8'))
  } catch {
    return 'what it left of itself cannot be read'
  }
  const found = parseRecord(value)
  if (!found) return 'what it left of itself cannot be read'
  const socketFolder = process.platform === 'win32' ? undefined : exposed(path.dirname(found.socket), 'folder')
  return socketFolder ? `the folder of its socket cannot be trusted: ${socketFolder}` : found
}

function parseRecord(value: unknown): DaemonRecord | undefined {
  if (typeof value !== 'object' || value === null) return undefined
  const {pid, startTime, protocol, version, build, token, socket} = value as Record<string, unknown> // checked here
  if (typeof pid !== 'number' || typeof protocol !== 'number' || typeof version !== 'string' || typeof build !== 'string') return undefined
  if (typeof token !== 'string' || token.length < 32 || typeof socket !== 'string' || !path.isAbsolute(socket)) return undefined
  return {pid, protocol, version, build, token, socket, ...(typeof startTime === 'string' ? {startTime} : {})}
}
