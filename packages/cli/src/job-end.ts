import type {JobStatus} from '@cgpu/core/agent/client'
import type {Cgpu} from '@cgpu/core/cgpu'
import {jobsOf} from '@cgpu/core/job/of'
import {isOver, type JobRecord} from '@cgpu/core/job/record'
import type {Measured} from '@cgpu/core/runtime/options'
import type {Ended} from './history/record.ts'

type Told = Pick<JobStatus, 'exitCode' | 'signal' | 'reason' | 'startedAt' | 'endedAt' | 'stdoutBytes' | 'stderrBytes' | 'peakMemoryBytes' | 'peakGpuMemoryBytes'>

/** Tells plugins, and the history unless none is kept, how a job ended that another process began. */
export async function tellEnd(cgpu: Cgpu, id: string, ended: Ended): Promise<void> {
  const {exitStatus, status, signal, reason, durationMs, stdoutBytes, stderrBytes, peakMemoryBytes, peakGpuMemoryBytes} = ended
  const runtime = (await jobsOf(cgpu).store.get(id))?.runtime ?? {id: '', name: '', provider: ''}
  await cgpu.jobEnded({id, runtime}, {
    ...(exitStatus === undefined ? {} : {exitStatus}), ...(status === undefined ? {} : {status}), ...(signal === undefined ? {} : {signal}), ...(reason === undefined ? {} : {reason}),
    // of one that is lost, nobody knows when it ended
    ...known({durationMs: status === 'lost' ? undefined : durationMs, stdoutBytes, stderrBytes, peakMemoryBytes, peakGpuMemoryBytes}),
  })
  if (!cgpu.settings.on('history')) return
  const {recordJobEnd} = await import('./history/record.ts')
  await recordJobEnd(id, ended, {stateDir: cgpu.dirs.state, onWarning: (message) => cgpu.warn(message)})
}

/** The same of a job that its tender settled: as its machine told, or as it was last seen. */
export function endOfSettled(record: JobRecord, status: JobStatus | undefined): Ended {
  return status ? endedOf(status) : endedAsSeen(record)
}

/** How a job ended, as the history keeps it. */
export function endedOf({exitCode, signal, reason, startedAt, endedAt, stdoutBytes, stderrBytes, peakMemoryBytes, peakGpuMemoryBytes}: Told): Ended {
  return {
    ...(exitCode === null ? {status: 'lost'} : {exitStatus: exitCode}), signal, stdoutBytes, stderrBytes, ...(reason === undefined ? {} : {reason}),
    durationMs: Math.max(0, ((endedAt ?? startedAt ?? 0) - (startedAt ?? 0)) * 1000), ...known({peakMemoryBytes, peakGpuMemoryBytes}),
  }
}

/** The same of one whose machine cannot tell it any more. */
export function endedAsSeen({seen}: JobRecord): Ended {
  if (!seen || !isOver(seen.state)) return {status: 'lost'}
  const {exitStatus: exitCode, ...rest} = seen
  return endedOf({...rest, exitCode})
}

function known(measured: {[M in keyof Measured]: Measured[M] | undefined}): Measured {
  return Object.fromEntries(Object.entries(measured).filter(([, value]) => value !== undefined))
}
