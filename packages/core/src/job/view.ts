import type {JobStatus} from '../agent/client.ts'
import {commandOf, isOver, type JobRecord, type JobSeen} from './record.ts'

/** A job as commands show it: the machine's answer, or what was last known. */
export interface JobView {
  id: string
  /** name of its runtime */
  runtime: string
  /** starting, running, exited, lost; `unknown`: its machine could not be asked */
  state: string
  /** null while it runs; 128+n when signal n killed it */
  exitStatus: number | null
  signal: string | null
  /** why it ended, where that was not by itself: cancelled, oom, signal */
  reason?: string
  createdAt: string | null
  endedAt: string | null
  stdoutBytes: number
  stderrBytes: number
  /** the program and its arguments, as they run on the machine */
  argv?: string[]
  /** as it was typed; only where it was started from here */
  command?: string[]
  /** null: its machine could not be asked, this is what was known */
  checkedAt: string | null
  /** its machine is released when it is over */
  releases: boolean
  retryOf?: string
  /** 2 and more: it was started again by itself */
  attempt?: number
  peakMemoryBytes?: number
  peakGpuMemoryBytes?: number
  /** the last sign of life of who watches over it on the machine */
  heartbeatAt?: string
  /** output that is not in the log: over its limit, or the disk was full */
  droppedBytes?: number
  logBytes?: number
  diskFull?: boolean
  /** its machine is not there any more */
  machineGone?: boolean
}

const iso = (seconds: number | null | undefined): string | null => (typeof seconds === 'number' ? new Date(seconds * 1000).toISOString() : null)

/** As its machine tells of it. */
export function viewOfStatus(status: JobStatus, runtime: string, record: JobRecord | undefined, now: Date): JobView {
  const {id, state, exitCode, signal, startedAt, endedAt, stdoutBytes, stderrBytes, argv, shell, createdAt, heartbeatAt, droppedBytes, logBytes} = status
  const shown = argv ?? (shell === undefined ? undefined : [shell])
  const beat = iso(heartbeatAt)
  return {
    id, runtime, state, exitStatus: exitCode, signal,
    ...(status.reason === undefined ? {} : {reason: status.reason}),
    createdAt: iso(createdAt) ?? iso(startedAt), endedAt: iso(endedAt), stdoutBytes, stderrBytes,
    ...(shown ? {argv: shown} : {}),
    ...(record ? {command: commandOf(record.request)} : {}),
    checkedAt: now.toISOString(), releases: record?.releases ?? false,
    ...(record?.retryOf === undefined ? {} : {retryOf: record.retryOf}),
    ...(status.attempt === undefined ? {} : {attempt: status.attempt}),
    ...(status.peakMemoryBytes === undefined ? {} : {peakMemoryBytes: status.peakMemoryBytes}),
    ...(status.peakGpuMemoryBytes === undefined ? {} : {peakGpuMemoryBytes: status.peakGpuMemoryBytes}),
    ...(beat === null ? {} : {heartbeatAt: beat}),
    ...(droppedBytes > 0 ? {droppedBytes} : {}),
    ...(logBytes > 0 ? {logBytes} : {}),
    ...(status.diskFull === true ? {diskFull: true} : {}),
  }
}

/** As it was last seen. `gone`: its machine is not there any more, so what ran there is lost. */
export function viewOfRecord(record: JobRecord, gone: boolean): JobView {
  const {id, runtime, request, seen, createdAt, releases, retryOf} = record
  const over = isOver(seen?.state)
  return {
    id, runtime: runtime.name, state: over ? seen!.state : gone ? 'lost' : 'unknown',
    exitStatus: seen?.exitStatus ?? null, signal: seen?.signal ?? null,
    ...(seen?.reason === undefined ? {} : {reason: seen.reason}),
    createdAt: iso(seen?.startedAt) ?? createdAt, endedAt: iso(seen?.endedAt), stdoutBytes: seen?.stdoutBytes ?? 0, stderrBytes: seen?.stderrBytes ?? 0,
    command: commandOf(request), checkedAt: null, releases, ...(retryOf === undefined ? {} : {retryOf}), ...(gone ? {machineGone: true} : {}),
  }
}

/** What a record keeps of a machine's answer. */
export function seenOf(status: JobStatus, now: Date): JobSeen {
  const {state, exitCode, signal, reason, startedAt, endedAt, stdoutBytes, stderrBytes} = status
  return {at: now.toISOString(), state, exitStatus: exitCode, signal, ...(reason === undefined ? {} : {reason}), startedAt, endedAt, stdoutBytes, stderrBytes}
}

/** The same of a job that is lost, as far as it was seen before. */
export function lostSeen(now: Date, before?: JobSeen, reason?: string): JobSeen {
  const {startedAt = null, stdoutBytes = 0, stderrBytes = 0} = before ?? {}
  return {at: now.toISOString(), state: 'lost', exitStatus: null, signal: null, ...(reason === undefined ? {} : {reason}), startedAt, endedAt: null, stdoutBytes, stderrBytes}
}
