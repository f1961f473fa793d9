import type {JobStatus} from '@cgpu/core/agent/client'
import type {Ended} from './history/record.ts'

/** How a job ended, as the history keeps it. */
export function endedOf({exitCode, signal, startedAt, endedAt, stdoutBytes, stderrBytes, peakMemoryBytes}: JobStatus): Ended {
  return {
    ...(exitCode === null ? {status: 'lost'} : {exitStatus: exitCode}), signal, stdoutBytes, stderrBytes,
    durationMs: Math.max(0, ((endedAt ?? startedAt ?? 0) - (startedAt ?? 0)) * 1000), ...(peakMemoryBytes === undefined ? {} : {peakMemoryBytes}),
  }
}
