import type {JobStatus} from '../agent/client.ts'
import {CgpuError} from '../errors.ts'
import type {EventListener} from '../execution/events.ts'
import {withAgent} from '../execution/follow-log.ts'
import type {Checkpoints} from './checkpoints.ts'
import type {Jobs, OpenJob, Settled} from './jobs.ts'
import {isOver, type JobRecord} from './record.ts'

export interface TenderOptions {
  jobs: Jobs
  onEvent: EventListener
  /** told of each job that is over and was settled by us */
  onSettled?: (record: JobRecord, settled: Settled, status: JobStatus) => void | Promise<void>
  /** kept by whoever looks more than once: a checkpoint counts when two looks saw it */
  copies?: Map<string, Checkpoints>
  /** puts a job whose machine was taken away onto another one; false: it cannot go on. Absent: none can. */
  move?: (record: JobRecord, signal: AbortSignal | undefined) => Promise<boolean>
}

/**
 * Looks after jobs that nobody follows: each look keeps their machines in use, copies checkpoints, brings outputs back, releases
 * what was made for them, and moves those whose machine was taken away.
 */
export class JobTender {
  readonly #options: TenderOptions
  readonly #copies: Map<string, Checkpoints>

  constructor(options: TenderOptions) {
    this.#options = options
    this.#copies = options.copies ?? new Map()
  }

  /** One look at every job that is not settled. `busy`: some go on. What cannot be asked now is asked by the next look. */
  async look(signal?: AbortSignal): Promise<'idle' | 'busy'> {
    const open = (await this.#options.jobs.store.list()).filter((record) => record.detached && record.settledAt === undefined)
    const states = await Promise.all(open.map((record) => this.#one(record, signal)))
    return states.includes('busy') ? 'busy' : 'idle'
  }

  async #one(record: JobRecord, signal: AbortSignal | undefined): Promise<'idle' | 'busy'> {
    const {jobs} = this.#options
    let job: OpenJob
    try {
      job = await jobs.open(record.id, {signal})
    } catch (error) {
      return this.#unreachable(record, error, signal)
    }
    try {
      if (!isOver(job.status.state)) {
        await this.#copy(record, job, signal)
        return 'busy'
      }
      const settled = await jobs.settle(job, job.status, this.#options.onEvent)
      if (settled.first) await this.#options.onSettled?.(record, settled, job.status)
      return 'idle'
    } catch (error) {
      if (!(error instanceof CgpuError)) throw error
      return 'busy'
    } finally {
      await job.session.close()
    }
  }

  async #copy({id, request, remoteCwd}: JobRecord, {session}: OpenJob, signal: AbortSignal | undefined): Promise<void> {
    const pattern = request.restarts?.checkpoint
    if (pattern === undefined || remoteCwd === undefined) return
    const copies = this.#copies.get(id) ?? (await this.#options.jobs.store.checkpoints(id))
    this.#copies.set(id, copies)
    await session.guard(() => withAgent(session, (agent) => copies.pull(agent, {pattern, cwd: remoteCwd}, signal)))
  }

  /** A machine that does not answer may come back; one that is gone does not. */
  async #unreachable(record: JobRecord, error: unknown, signal: AbortSignal | undefined): Promise<'idle' | 'busy'> {
    const {jobs, move} = this.#options
    if (!(error instanceof CgpuError)) throw error
    if (error.code !== 'JOB_LOST' && error.code !== 'LOG_GONE') return 'busy'
    const {restarts} = record.request
    if (error.code === 'JOB_LOST' && move && restarts && restarts.max > 0 && (await move(record, signal))) return 'busy'
    await jobs.gone(record)
    return 'idle'
  }
}
