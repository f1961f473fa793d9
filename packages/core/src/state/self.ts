import {readFileSync, readlinkSync} from 'node:fs'
import {hostname} from 'node:os'
import {isObject} from './json.ts'
import {parseProcStat} from './process.ts'

/** A process as another one may read of it later. */
export interface ProcessMark {
  pid: number
  /** tells it from a later process with the same pid; absent where finding out is not cheap (no /proc) */
  startTime?: string
  /** pids mean something only on one boot of one machine and in one pid namespace (containers share home folders) */
  host: string
}

export function markSelf(): ProcessMark {
  return markOf(process.pid)
}

/** A process of this machine that lives. */
export function markOf(pid: number): ProcessMark {
  const {startTime} = parseProcStat(read(`/proc/${pid}/stat`))
  return {pid, ...(startTime === undefined ? {} : {startTime}), host: hostId()}
}

/** Whether the process lives on this machine. */
export function livesHere({pid, startTime, host}: ProcessMark): boolean {
  return host === hostId() && Number.isSafeInteger(pid) && pid > 0 && lives(pid, startTime)
}

/**
 * Whether a process lives; given a start time, whether it is that very one. As isAlive, but at once and only as far as that costs
 * nothing. A killed one whose parent has not asked for its end yet, as in a container without an init, is dead.
 */
export function lives(pid: number, startTime?: string): boolean {
  try {
    process.kill(pid, 0)
  } catch (error) {
    // EPERM: it exists and belongs to someone else
    if (!(error instanceof Error && 'code' in error && error.code === 'EPERM')) return false
  }
  const stat = read(`/proc/${pid}/stat`)
  // no /proc, or none for us to see
  if (stat === '') return true
  const seen = parseProcStat(stat)
  return seen.alive && (startTime === undefined || seen.startTime === startTime)
}

/** Whether it is of another machine, from where nobody sees whether it lives. */
export function isOfOther({host}: ProcessMark): boolean {
  return host.split('/')[0] !== hostId().split('/')[0]
}

/** Whether it is this process. */
export function isSelf({pid, host}: ProcessMark): boolean {
  return pid === process.pid && host === hostId()
}

/** A mark as it was written down. Undefined when it is none. */
export function parseMark(value: unknown): ProcessMark | undefined {
  if (!isObject(value) || typeof value['pid'] !== 'number' || typeof value['host'] !== 'string') return undefined
  const {pid, host, startTime} = value
  return {pid, host, ...(typeof startTime === 'string' ? {startTime} : {})}
}

let host: string | undefined

export function hostId(): string {
  return (host ??= [hostname(), read('/proc/sys/kernel/random/boot_id').trim(), link('/proc/self/ns/pid')].filter(Boolean).join('/'))
}

function read(path: string): string {
  try {
    return readFileSync(path, 'latin1')
  } catch {
    return ''
  }
}

function link(path: string): string {
  try {
    return readlinkSync(path)
  } catch {
    return ''
  }
}
