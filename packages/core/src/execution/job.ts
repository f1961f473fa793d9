import type {JobStatus} from '../agent/client.ts'
import {errors} from '../errors.ts'
import type {RuntimeSession} from '../runtime/session.ts'
import {followLog, withAgent} from './follow-log.ts'
import {describeGap, describeLoss} from './gap.ts'
import type {EventListener} from './events.ts'

export interface JobSpec {
  id: string
  argv: string[]
  /** absolute, or relative to the runtime's working folder */
  cwd?: string | undefined
  /** values travel over the kernel connection and a pipe only */
  env: Record<string, string>
  /** false: the program reads an empty stdin; default true */
  stdin?: boolean
  /** kept with the job, so that a key that is used for something else is noticed */
  fingerprint?: string
  /** by its machine; `{latest}` in `resume` stands for the newest file that matches `checkpoint` */
  restarts?: {max: number; checkpoint?: string; resume?: string[] | undefined}
}

export interface JobOutcome {
  id: string
  /** 128+n when signal n killed it */
  exitStatus: number
  signal: string | null
  /** unix seconds, by the machine's clock */
  startedAt: number
  durationMs: number
  stdoutBytes: number
  stderrBytes: number
  /** where reading may resume */
  logOffset: number
  /** why it ended, where that was not by itself: cancelled, oom, signal */
  reason?: string
  /** most memory that it used together with what it started, and on its GPUs, where that could be measured */
  peakMemoryBytes?: number
  peakGpuMemoryBytes?: number
}

export interface AttachOptions {
  /** a byte offset of the log that ends a record; 0: all of it */
  offset?: number
  onEvent: EventListener
  /** told after each record that was delivered: where reading may resume */
  onOffset?: ((offset: number) => void) | undefined
  /** stops following; the job goes on */
  signal?: AbortSignal | undefined
}

/** Starts a job, or attaches to it when its id was started before: the same id never runs twice. */
export async function startJob(session: RuntimeSession, spec: JobSpec): Promise<{attached: boolean}> {
  const {id: run, argv, env, cwd, stdin = true, fingerprint, restarts} = spec
  const {max, checkpoint, resume} = restarts ?? {max: 0}
  let asked = 0
  return guard(session, () =>
    withAgent(session, async (agent) => {
      asked++
      const {attached} = await agent.start({
        run, argv, env, stdin, ...(cwd === undefined ? {} : {cwd}), ...(fingerprint === undefined ? {} : {fingerprint}),
        ...(max > 0 ? {maxRestarts: max} : {}), ...(checkpoint === undefined ? {} : {checkpoint}), ...(resume ? {resume} : {}),
      })
      // asked before through a kernel that went: then it was most likely we who started it
      return {attached: attached && asked === 1}
    }),
  )
}

/** Delivers a job's output from an offset until it is over. Throws JOB_NOT_FOUND (66), JOB_LOST (71) when its process vanished. */
export async function followJob(session: RuntimeSession, id: string, options: AttachOptions): Promise<JobOutcome> {
  const {onEvent, onOffset, signal, offset = 0} = options
  let logOffset = offset
  let told = 0
  const status = await guard(session, () =>
    followLog(session, id, {
      offset,
      signal,
      onRecord: async (record) => {
        if (record.stream === 'stdout' || record.stream === 'stderr') await onEvent({type: record.stream, data: record.payload})
        else if (record.stream === 'notice') {
          const {kind, bytes = 0} = record.notice()
          const code = kind === 'restart' ? 'JOB_RESTARTED' : 'LOG_GAP'
          // of the limit the notice says where it is, and what went over it comes at the end
          if (kind !== 'limit') told += bytes
          await onEvent({type: 'notice', code, message: describeGap(record)})
        }
        logOffset = record.endOffset
        onOffset?.(logOffset)
      },
    }),
  )
  if (!status) {
    throw errors.notFound(`${session.record.name} knows no job ${id}`, {code: 'JOB_NOT_FOUND', fix: `cgpu job list -r ${session.record.name}`, details: {id}})
  }
  // a hole at the end cannot be marked in the log while its disk is full
  const untold = offset === 0 ? status.droppedBytes - told : 0
  if (untold > 0) await onEvent({type: 'notice', code: 'LOG_GAP', message: describeLoss(untold, status.diskFull === true)})
  return outcome(session, status, logOffset)
}

function outcome(session: RuntimeSession, status: JobStatus, logOffset: number): JobOutcome {
  if (status.state !== 'exited' || status.exitCode === null) {
    throw errors.lost(`the job ${status.id} on ${session.record.name} vanished while it ran`, {
      code: 'JOB_LOST', fix: 'its process was killed from outside, or the machine restarted; run it again', details: {id: status.id, state: status.state},
    })
  }
  if (status.error !== undefined && status.pid === null) {
    throw errors.usage(`the command could not be started on ${session.record.name}: ${status.error}`, {
      code: 'COMMAND_NOT_STARTED', category: 'code', fix: 'check the command and --cwd', details: {id: status.id},
    })
  }
  return {
    id: status.id,
    exitStatus: status.exitCode,
    signal: status.signal,
    startedAt: status.startedAt ?? 0,
    durationMs: Math.max(0, ((status.endedAt ?? status.startedAt ?? 0) - (status.startedAt ?? 0)) * 1000),
    stdoutBytes: status.stdoutBytes,
    stderrBytes: status.stderrBytes,
    logOffset,
    ...(status.reason === undefined ? {} : {reason: status.reason}),
    ...(status.peakMemoryBytes === undefined ? {} : {peakMemoryBytes: status.peakMemoryBytes}),
    ...(status.peakGpuMemoryBytes === undefined ? {} : {peakGpuMemoryBytes: status.peakGpuMemoryBytes}),
  }
}

async function guard<T>(session: RuntimeSession, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    throw await session.explain(error)
  }
}
