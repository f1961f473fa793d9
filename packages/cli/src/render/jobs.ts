import type {JobView} from '@cgpu/core/job/view'
import {formatBytes, formatDuration, formatMoment, formatRelative} from '@cgpu/core/text/format'
import {sanitizeLine} from '@cgpu/core/text/line'
import {table} from './table.ts'

/** One word for how a job is: why it ended, where that is more telling. */
export function stateOf({state, reason}: Pick<JobView, 'state' | 'reason'>): string {
  return reason === 'cancelled' || reason === 'oom' ? reason : state
}

/** `ended with status 3`, `was killed by SIGKILL (out of memory)`, `was cancelled`. */
export function endOf({state, exitStatus, signal, reason}: JobView): string {
  if (reason === 'cancelled') return 'was cancelled'
  if (state === 'lost') return 'is lost'
  if (state !== 'exited') return `is ${state}`
  if (signal !== null) return `was killed by ${signal}${reason === 'oom' ? ' (out of memory)' : ''}`
  return exitStatus === 0 ? 'is done' : `ended with status ${exitStatus}`
}

const wordsOf = (job: JobView): string => (job.command ?? job.argv ?? []).join(' ')

/** How long it ran, or runs. */
function lengthOf({createdAt, endedAt, state}: JobView, now: number): string {
  if (createdAt === null) return ''
  const until = endedAt === null ? (state === 'running' || state === 'starting' ? now : NaN) : Date.parse(endedAt)
  return Number.isNaN(until) ? '' : formatDuration(Math.max(0, until - Date.parse(createdAt)))
}

export function jobsTable(jobs: readonly JobView[], now: number): string {
  return table(['id', 'runtime', 'state', 'status', 'started', 'ran', 'command'], jobs.map((job) => [
    job.id, job.runtime, stateOf(job), job.exitStatus === null ? '' : String(job.exitStatus),
    job.createdAt === null ? '' : formatRelative(Date.parse(job.createdAt), now), lengthOf(job, now), sanitizeLine(wordsOf(job), 60),
  ]))
}

/** Everything about one job, a line a fact. */
export function jobFacts(job: JobView, now: number): string {
  const moment = (iso: string | null): string => (iso === null ? '' : formatMoment(Date.parse(iso)))
  const rows: (readonly [string, string])[] = [
    ['id', job.id],
    ['runtime', job.releases ? `${job.runtime} (made for this job)` : job.runtime],
    ['state', `${stateOf(job)}${job.checkedAt !== null ? '' : job.machineGone ? ' (its machine is gone)' : ' (as last seen: its machine could not be asked)'}`],
    ['status', job.exitStatus === null ? '' : `${job.exitStatus}${job.signal === null ? '' : ` (${job.signal})`}`],
    ['command', wordsOf(job)],
    ['started', moment(job.createdAt)],
    ['ended', moment(job.endedAt)],
    ['ran', lengthOf(job, now)],
    ['attempt', job.attempt === undefined || job.attempt < 2 ? '' : String(job.attempt)],
    ['output', `${formatBytes(job.stdoutBytes)} on stdout, ${formatBytes(job.stderrBytes)} on stderr`],
    ['not logged', job.droppedBytes === undefined ? '' : `${formatBytes(job.droppedBytes)}${job.diskFull ? ': the disk was full' : ''}`],
    ['peak memory', job.peakMemoryBytes === undefined ? '' : formatBytes(job.peakMemoryBytes)],
    ['peak GPU memory', job.peakGpuMemoryBytes === undefined ? '' : formatBytes(job.peakGpuMemoryBytes)],
    ['last sign of life', job.heartbeatAt === undefined ? '' : formatRelative(Date.parse(job.heartbeatAt), now)],
    ['retry of', job.retryOf ?? ''],
  ]
  return table([], rows.filter(([, value]) => value !== ''))
}
