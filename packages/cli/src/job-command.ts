import type {Cgpu} from '@cgpu/core/cgpu'
import {CgpuError} from '@cgpu/core/errors'
import {followJob, type JobOutcome} from '@cgpu/core/execution/job'
import {withAgent} from '@cgpu/core/execution/follow-log'
import type {OpenJob, OpenOptions, Settled} from '@cgpu/core/job/jobs'
import {jobsOf} from '@cgpu/core/job/of'
import {leaveToDaemon} from './daemon/start-later.ts'
import {endedOf} from './job-end.ts'
import {type CommandSink, StreamCommand} from './run/stream-command.ts'
import {releasedLine} from './render/released.ts'
import type {Captured} from './stream/capture-sink.ts'

/** What following a job to its end gives, as JSON shows it. */
export type FollowedJob = Omit<JobOutcome, 'durationMs' | 'startedAt'> &
  {runtime: string; startedAt: string; durationSeconds: number; outputs: Settled['outputs']} & Partial<Captured>

/** Where it is looked for, whether its log is read, and what hears of a link that is lost. */
export type OpenJobOptions = Pick<OpenOptions, 'runtime' | 'reads'> & {sink?: CommandSink}

export interface FollowJobOptions {
  /** where to begin: a byte offset of the log that ends a record, or what shows the part before it and says it */
  offset?: number | (() => Promise<number>)
  /** what a second Ctrl-C, or the only one, says */
  leave?: () => string
  /** what the first Ctrl-C does; absent: it leaves */
  first?: () => Promise<void>
  signal?: AbortSignal
}

/** The base of commands that work on jobs which are there. */
export abstract class JobCommand<T = unknown> extends StreamCommand<T> {
  /** The job that is meant, on its machine. The caller closes its session. */
  protected openJob(cgpu: Cgpu, id: string, {sink, ...options}: OpenJobOptions = {}): Promise<OpenJob> {
    return jobsOf(cgpu).open(id, {
      ...options,
      ...(sink ? {onLink: (state, reason) => void sink.onEvent(state === 'reconnecting' ? {type: 'reconnecting', reason} : {type: 'reconnected'})} : {}),
    })
  }

  /** Shows the output to its end, brings outputs back that nobody fetched, and ends as the program did. */
  protected async followJob(cgpu: Cgpu, job: OpenJob, sink: CommandSink, {offset = 0, leave, first, signal}: FollowJobOptions = {}): Promise<FollowedJob> {
    const {id, runtime: {name}, session} = job
    await sink.onEvent({type: 'started', id, runtime: name, attached: true})
    const begin = async (): Promise<number> => (typeof offset === 'number' ? offset : offset())
    const following = begin().then((at) => followJob(session, id, {offset: at, onEvent: sink.onEvent, signal})).catch(async (error: unknown) => {
      // over, though without a status: its machine is given back all the same
      if (error instanceof CgpuError && (error.code === 'JOB_LOST' || error.code === 'COMMAND_NOT_STARTED')) await this.settle(cgpu, job, sink)
      throw error
    })
    const outcome = await this.interruptible(following, {
      leave: leave ?? (() => `the job goes on on ${name}; follow it again: cgpu job attach ${id} -r ${name}`),
      ...(first ? {first} : {}),
    })
    const settled = await this.settle(cgpu, job, sink)
    const {durationMs, startedAt, ...rest} = outcome
    const durationSeconds = durationMs / 1000
    await sink.end({id, exitStatus: outcome.exitStatus, durationSeconds, status: outcome.exitStatus === 0 ? 'ok' : 'error'})
    return {...rest, runtime: name, startedAt: new Date(startedAt * 1000).toISOString(), durationSeconds, outputs: settled.outputs, ...sink.captured?.()}
  }

  /** Of a job that is over: its outputs, and the release of what was made for it. */
  protected async settle(cgpu: Cgpu, job: OpenJob, sink: CommandSink): Promise<Settled> {
    await job.doneReading?.()
    const status = await job.session.guard(() => withAgent(job.session, (agent) => agent.status(job.id)))
    const settled = await jobsOf(cgpu).settle(job, status, sink.onEvent)
    if (settled.first) await this.recordedEnd(cgpu, job.id, endedOf(status))
    for (const pattern of settled.missing) this.warn(`no file that the run wrote matches the output ${pattern}`)
    if (settled.released) this.notice(releasedLine(settled.released))
    if (settled.held) {
      this.notice(`${job.runtime.name} is released when nobody reads the job's log any more`)
      await leaveToDaemon(cgpu.dirs, cgpu.settings)
    }
    return settled
  }

  /** Ends as the job did. */
  protected finishAs<R extends {exitStatus: number}>(result: R): R {
    if (result.exitStatus !== 0 && this.jsonEnabled()) this.failWith(result.exitStatus, `the job ended with status ${result.exitStatus}`, 'PROGRAM_FAILED', {...result})
    this.exitWith(result.exitStatus)
    return result
  }
}

/** All of them are tried, whatever becomes of one; then the first that failed is told. */
export async function everyOne<T>(works: readonly Promise<T>[]): Promise<T[]> {
  const all = await Promise.allSettled(works)
  const failed = all.find((one) => one.status === 'rejected')
  if (failed) throw failed.reason
  return all.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []))
}
