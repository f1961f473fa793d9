import type {Cgpu} from '@cgpu/core/cgpu'
import {CgpuError, errors} from '@cgpu/core/errors'
import {followJob, type JobOutcome} from '@cgpu/core/execution/job'
import {withAgent} from '@cgpu/core/execution/follow-log'
import type {Settled} from '@cgpu/core/job/ends'
import type {Jobs, OpenJob, OpenOptions} from '@cgpu/core/job/jobs'
import {awaitMove} from '@cgpu/core/job/await-move'
import {mayMove} from '@cgpu/core/job/movable'
import {jobsOf} from '@cgpu/core/job/of'
import {isOver, type JobRecord} from '@cgpu/core/job/record'
import {leaveToDaemon} from './daemon/start-later.ts'
import {endedOf, tellEnd} from './job-end.ts'
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

export interface WhereverOptions {
  sink: CommandSink
  /** its log is read: its machines are not released meanwhile */
  reads?: boolean
  /** ends the waiting for another machine, with its reason */
  signal?: AbortSignal
}

/** A connection is tried for longer than anybody likes to look at nothing. */
const silentMs = 4_000
/** Somebody has to be about to type `job move`. */
const patienceMs = 15_000
/** The daemon tries again and again, after half an hour at most. */
const daemonPatienceMs = 35 * 60_000

/** The base of commands that work on jobs which are there. */
export abstract class JobCommand<T = unknown> extends StreamCommand<T> {
  /** marks of a reader that waits for its job's next machine, until it reads there */
  readonly #waitingToRead = new Map<string, () => Promise<void>>()

  /** The job that is meant, on its machine. The caller closes its session. */
  protected async openJob(cgpu: Cgpu, id: string, {sink, ...options}: OpenJobOptions = {}): Promise<OpenJob> {
    const slow = setTimeout(() => this.notice(`the machine of the job ${id} does not answer yet`), silentMs)
    const job = await jobsOf(cgpu).open(id, {
      ...options,
      ...(sink ? {onLink: (state, reason) => void sink.onEvent(state === 'reconnecting' ? {type: 'reconnecting', reason} : {type: 'reconnected'})} : {}),
    }).finally(() => clearTimeout(slow))
    await this.#waitingToRead.get(job.id)?.()
    return job
  }

  /** Work on a job; the same on its next machine when the one that it is on is taken away, and somebody puts it on another. */
  protected async wherever<R>(cgpu: Cgpu, query: string, {sink, reads = false, signal}: WhereverOptions, work: (moved: boolean) => Promise<R>): Promise<R> {
    const jobs = jobsOf(cgpu)
    try {
      for (let moved = false; ; moved = true) {
        const before = await jobs.remembered(query)
        try {
          return await work(moved)
        } catch (error) {
          if (!before || !(error instanceof CgpuError) || !(await wasTakenAway(cgpu, before, error))) throw error
          // the next machine is not released before this one has read, however soon the job ends there
          if (reads && mayMove(before)) await this.#waitToRead(jobs, before)
          await this.#untilMoved(cgpu, before, error, sink, signal)
        }
      }
    } finally {
      for (const done of this.#waitingToRead.values()) await done()
    }
  }

  async #waitToRead({store}: Jobs, {id}: JobRecord): Promise<void> {
    const done = await store.readers(id).join().catch(() => undefined)
    if (!done) return
    this.#waitingToRead.set(id, async () => {
      this.#waitingToRead.delete(id)
      await done()
    })
  }

  async #untilMoved(cgpu: Cgpu, before: JobRecord, thrown: CgpuError, sink: CommandSink, signal: AbortSignal | undefined): Promise<void> {
    const {id, detached, runtime: {name}} = before
    const {store} = jobsOf(cgpu)
    const byDaemon = detached && cgpu.settings.text('daemon') !== 'off'
    const stop = new AbortController()
    const onWait = async (): Promise<void> => {
      await sink.onEvent({type: 'notice', code: 'JOB_WAITS', message: `${name} was taken away; waiting until the job ${id} is on another machine`})
      if (byDaemon) await leaveToDaemon(cgpu.dirs, cgpu.settings)
    }
    const waiting = awaitMove(store, before, {patienceMs: byDaemon ? daemonPatienceMs : patienceMs, signal: signal ? AbortSignal.any([signal, stop.signal]) : stop.signal, onWait})
    const became = await this.interruptible(waiting, {leave: () => `when it is on another machine, follow it there: cgpu job attach ${id}`}).finally(() => stop.abort())
    if (became === 'lost') throw thrown
    if (became === 'nobody') throw errors.lost(`${name} was taken away, and nobody puts the job ${id} on another machine`, {code: thrown.code, fix: `cgpu job move ${id}`, details: {id, runtime: name}})
    if (became === 'over') return
    const next = (await store.get(id))?.runtime.name ?? 'another machine'
    await sink.onEvent({type: 'notice', code: 'JOB_MOVED', message: `the job ${id} goes on on ${next}; its log begins anew there`})
  }

  /** Shows the output to its end, brings outputs back that nobody fetched, and ends as the program did. */
  protected async followJob(cgpu: Cgpu, job: OpenJob, sink: CommandSink, {offset = 0, leave, first, signal}: FollowJobOptions = {}): Promise<FollowedJob> {
    const {id, runtime: {name}, session} = job
    await sink.onEvent({type: 'started', id, runtime: name, attached: true})
    let at = typeof offset === 'number' ? offset : 0
    const begin = async (): Promise<number> => (typeof offset === 'number' ? offset : offset())
    const onOffset = (next: number): void => void (at = next)
    const following = begin().then((from) => {
      at = from
      return followJob(session, id, {offset: from, onEvent: sink.onEvent, onOffset, signal})
    }).catch(async (error: unknown) => {
      // over, though without a status: its machine is given back all the same
      if (error instanceof CgpuError && (error.code === 'JOB_LOST' || error.code === 'COMMAND_NOT_STARTED')) await this.settle(cgpu, job, sink)
      throw error
    })
    const outcome = await this.interruptible(following, {
      leave: leave ?? (() => `the job goes on on ${name}; follow it again: cgpu job attach ${id} -r ${name}${at === 0 ? '' : ` --offset ${at}`}`),
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
    const settled = await jobsOf(cgpu).ends.settle(job, status, sink.onEvent)
    if (settled.first) await tellEnd(cgpu, job.id, endedOf(status))
    for (const pattern of settled.missing) this.warn(`no file that the run wrote matches the output ${pattern}`)
    if (settled.released) this.notice(releasedLine(settled.released))
    if (settled.held === 'read') await this.leaveToReader(cgpu, job.runtime.name)
    return settled
  }

  /** The machine of a job that is over stays while somebody reads the log there: who does, or the daemon, releases it. */
  protected async leaveToReader(cgpu: Cgpu, name: string): Promise<void> {
    this.notice(`${name} is released when nobody reads the job's log any more`)
    await leaveToDaemon(cgpu.dirs, cgpu.settings)
  }

  /** Whoever read last releases the machine that was kept for that. */
  protected async endReading(cgpu: Cgpu, job: OpenJob, sink: CommandSink): Promise<void> {
    await job.doneReading?.()
    const record = await jobsOf(cgpu).store.get(job.id)
    if (record && isOver(record.seen?.state) && record.collectedAt !== undefined && record.settledAt === undefined) await this.settle(cgpu, job, sink)
  }

  /** Ends as the job did. */
  protected finishAs<R extends {exitStatus: number}>(result: R): R {
    if (result.exitStatus !== 0 && this.jsonEnabled()) this.failWith(result.exitStatus, `the job ended with status ${result.exitStatus}`, 'PROGRAM_FAILED', {...result})
    this.exitWith(result.exitStatus)
    return result
  }
}

/** Not so a job that vanished on a machine that is there. */
async function wasTakenAway(cgpu: Cgpu, {runtime}: JobRecord, error: CgpuError): Promise<boolean> {
  if (error.code === 'RUNTIME_RECLAIMED') return true
  return error.code === 'JOB_LOST' && !(await cgpu.runtimes.remembered()).some(({id}) => id === runtime.id)
}

/** All of them are tried, whatever becomes of one; then the first that failed is told. */
export async function everyOne<T>(works: readonly Promise<T>[]): Promise<T[]> {
  const all = await Promise.allSettled(works)
  const failed = all.find((one) => one.status === 'rejected')
  if (failed) throw failed.reason
  return all.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []))
}
