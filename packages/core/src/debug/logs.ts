import {open, readdir, stat} from 'node:fs/promises'
import {join} from 'node:path'
import {errors} from '../errors.ts'

/** A log that a command left. */
export interface DebugLog {
  /** its file's name without `.log` */
  id: string
  time: string
  /** the command line, redacted */
  command: string
  /** null: its head cannot be read */
  exitStatus: number | null
  bytes: number
  path: string
}

export const debugDir = (state: string): string => join(state, 'debug')

/** Names begin with the time, so their order is that of time. */
export const isLogName = (name: string): boolean => /^\d{4}-\d\d-\d\dT[\d-]+\.\d+Z-.*\.log$/.test(name)

/** The logs that are kept, newest first. What cannot be read counts as not there. */
export async function listDebugLogs(state: string): Promise<DebugLog[]> {
  const folder = debugDir(state)
  const names = (await readdir(folder).catch(() => [])).filter(isLogName).sort().toReversed()
  const logs = await Promise.all(names.map((name) => headOf(join(folder, name), name.slice(0, -'.log'.length)).catch(() => undefined)))
  return logs.filter((one) => one !== undefined)
}

/** The newest logs with their text. Throws NO_DEBUG_LOG (66). */
export async function readDebugLogs(state: string, count: number): Promise<(DebugLog & {text: string})[]> {
  const logs = (await listDebugLogs(state)).slice(0, count)
  if (logs.length === 0) throw noDebugLog()
  return Promise.all(logs.map(async (log) => ({...log, text: await beginning(log.path, 2 ** 20)})))
}

export const noDebugLog = () => errors.notFound('no command has left a debug log', {
  code: 'NO_DEBUG_LOG', category: 'file', fix: 'run the command that fails again, or any command with --verbose',
})

async function headOf(path: string, id: string): Promise<DebugLog> {
  const head = await beginning(path, 4096)
  const field = (name: string): string | undefined => new RegExp(`^${name}: (.*)$`, 'm').exec(head)?.[1]
  const exit = field('exit')
  return {
    id, time: field('time') ?? id.replace(/^(\d{4}-\d\d-\d\dT\d\d)-(\d\d)-(\d\d\.\d+Z)-.*$/, '$1:$2:$3'), command: field('command') ?? '',
    exitStatus: exit !== undefined && /^\d+$/.test(exit) ? Number(exit) : null, bytes: (await stat(path)).size, path,
  }
}

async function beginning(path: string, most: number): Promise<string> {
  const file = await open(path, 'r')
  try {
    const {buffer, bytesRead} = await file.read(Buffer.alloc(most), 0, most, 0)
    return buffer.toString('utf8', 0, bytesRead)
  } finally {
    await file.close()
  }
}
