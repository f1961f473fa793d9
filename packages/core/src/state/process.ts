import {readFile} from 'node:fs/promises'

/** What the system says of a pid. `startTime` is opaque: compare it for equality, on the same machine only. */
interface Seen {
  alive: boolean
  startTime?: string
}

/**
 * When a process started, as an opaque text that tells a process from a later one with the same pid.
 * Linux: clock ticks since boot (field 22 of /proc/<pid>/stat). macOS and others: `ps -o lstart=`.
 * Windows: file time from PowerShell (slow, about half a second). Undefined when there is no such process.
 */
export async function processStartTime(pid: number): Promise<string | undefined> {
  return (await look(pid)).startTime
}

/** Whether the process lives; given a start time, whether it is that very process. A zombie is dead. */
export async function isAlive(pid: number, startTime?: string): Promise<boolean> {
  if (!Number.isSafeInteger(pid) || pid <= 0 || !signalable(pid)) return false
  if (process.platform === 'win32' && startTime === undefined) return true
  const seen = await look(pid)
  if (!seen.alive) return false
  return startTime === undefined || seen.startTime === undefined || seen.startTime === startTime
}

function signalable(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    // EPERM: it exists and belongs to someone else
    return error instanceof Error && 'code' in error && error.code === 'EPERM'
  }
}

async function look(pid: number): Promise<Seen> {
  if (!Number.isSafeInteger(pid) || pid <= 0) return {alive: false}
  if (process.platform === 'linux') return lookLinux(pid)
  if (process.platform === 'win32') return lookWindows(pid)
  return lookPs(pid)
}

async function lookLinux(pid: number): Promise<Seen> {
  let stat: string
  try {
    stat = await readFile(`/proc/${pid}/stat`, 'latin1')
  } catch (error) {
    // /proc mounted with hidepid, or not at all: the pid may live, its start time is not for us to see
    const gone = error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ESRCH')
    return {alive: !gone || (gone && signalable(pid))}
  }
  return parseProcStat(stat)
}

/** The name (field 2) is in parentheses and may itself hold spaces and parentheses: count from the last one. */
export function parseProcStat(stat: string): Seen {
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  const [state, startTime] = [fields[0], fields[19]]
  if (state === undefined || startTime === undefined || state === 'Z' || state === 'X') return {alive: false}
  return {alive: true, startTime}
}

async function lookPs(pid: number): Promise<Seen> {
  try {
    const {stdout} = await run('ps', ['-o', 'stat=,lstart=', '-p', String(pid)], {env: {...process.env, LC_ALL: 'C', TZ: 'UTC'}})
    return parsePs(stdout)
  } catch (error) {
    // ps exits 1 for an unknown pid; when ps itself cannot be had, only the pid counts
    return {alive: error instanceof Error && 'code' in error && error.code === 'ENOENT'}
  }
}

/** One line of `ps -o stat=,lstart=`: `Ss   Sat Nov 22 10:11:12 2026`. */
export function parsePs(line: string): Seen {
  const match = /^\s*(\S+)\s+(\S.*?)\s*$/.exec(line)
  const [state, startTime] = [match?.[1], match?.[2]]
  if (state === undefined || startTime === undefined || state.startsWith('Z')) return {alive: false}
  return {alive: true, startTime: startTime.replaceAll(/\s+/g, ' ')}
}

async function lookWindows(pid: number): Promise<Seen> {
  try {
    const script = `(Get-Process -Id ${pid} -ErrorAction Stop).StartTime.ToFileTimeUtc()`
    const {stdout} = await run('powershell.exe', ['-NoProfile', '-NonInteractive', '-Command', script])
    const startTime = stdout.trim()
    return /^\d+$/.test(startTime) ? {alive: true, startTime} : {alive: signalable(pid)}
  } catch {
    return {alive: signalable(pid)}
  }
}

/** Loads node:child_process only here: Linux never needs it. */
async function run(file: string, args: string[], options: {env?: NodeJS.ProcessEnv} = {}): Promise<{stdout: string}> {
  const [{execFile}, {promisify}] = await Promise.all([import('node:child_process'), import('node:util')])
  return promisify(execFile)(file, args, {...options, encoding: 'utf8', windowsHide: true})
}
