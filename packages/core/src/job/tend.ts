import {setTimeout as delay} from 'node:timers/promises'
import type {JobStatus} from '../agent/client.ts'
import {CgpuError} from '../errors.ts'
import type {EventListener} from '../execution/events.ts'
import {withAgent} from '../execution/follow-log.ts'
import type {Checkpoints} from './checkpoints.ts'
import {isBeingStarted, isLeft} from './followed.ts'
import type {Settled} from './ends.ts'
import type {Jobs, OpenJob} from './jobs.ts'
import {isWhereItWas, mayMove, moveAgainAfterMs, movesLeft} from './movable.ts'
import {isOver, type JobRecord} from './record.ts'

export interface TenderOptions {
  jobs: Jobs
  onEvent: EventListener
  /** told of each job that is over, and once more when its machine was released later than that; without a status its machine took along how it ended */
  onSettled?: (record: JobRecord, settled: Settled, status: JobStatus | undefined) => void | Promise<void>
  /** told of what could not be done now */
  onFailure?: (record: JobRecord, error: unknown) => void
  /** kept by whoever looks more than once */
  memory?: TenderMemory
  /** while one job takes longer than this (a machine that is hard to get, large outputs), the others are looked at again; absent: it is waited for */
  everyMs?: number
  /** False: another tender of this process looks after it. Absent: all are ours. */
  isMine?: (record: JobRecord) => boolean
  /**
   * Has a job whose machine was taken away put onto another one, by whoever takes its lock for that. False: it cannot go on, now or
   * later. What it throws may pass; a `MoveFailed` that had a machine is a restart that is used up. Absent: none can, by us.
   */
  move?: (record: JobRecord, signal: AbortSignal | undefined) => Promise<boolean>
}

/** A try to move a job that came to nothing. */
export class MoveFailed extends Error {
  /** one that got none, for want of capacity or of a network, costs nothing */
  readonly hadMachine: boolean

  constructor(message: string, {hadMachine}: {hadMachine: boolean}) {
    super(message)
    this.hadMachine = hadMachine
  }
}

export interface TenderMemoryOptions {
  /** see Checkpoints */
  settleMs?: number | undefined
  /** until what failed is tried again, the first time; then twice as long each time. Default 10 s, as often as the daemon looks */
  firstPauseMs?: number | undefined
}

/** What one look tells the next. */
export class TenderMemory {
  readonly settleMs: number | undefined
  readonly firstPauseMs: number | undefined
  /** a checkpoint counts when two looks saw it */
  readonly copies = new Map<string, Checkpoints>()
  /** by a clock that is never set */
  readonly failures = new Map<string, {since: number; count: number; next: number}>()

  constructor({settleMs, firstPauseMs}: TenderMemoryOptions = {}) {
    this.settleMs = settleMs
    this.firstPauseMs = firstPauseMs
  }
}

/** another process that settles a job may take long; a later look sees what it did */
const busyMs = 1_000
/** what fails for so long keeps nobody up any more */
const hopelessMs = 6 * 3_600_000

/**
 * Looks after jobs that nobody follows: each look keeps their machines in use, copies checkpoints, brings outputs back, releases
 * what was made for them, and moves those whose machine was taken away.
 */
export class JobTender {
  readonly #options: TenderOptions
  readonly #memory: TenderMemory

  constructor(options: TenderOptions) {
    this.#options = options
    this.#memory = options.memory ?? new TenderMemory()
  }

  /** One look at every job that is not settled. `busy`: some go on. What cannot be asked now is asked by a later look. */
  async look(signal?: AbortSignal): Promise<'idle' | 'busy'> {
    const {everyMs} = this.#options
    const working = new Map<string, Promise<unknown>>()
    const states = new Map<string, 'idle' | 'busy'>()
    try {
      do {
        for (const record of await this.#open()) {
          if (working.has(record.id)) continue
          working.set(record.id, this.#withPatience(record, signal).then((state) => states.set(record.id, state)).finally(() => working.delete(record.id)))
        }
        const all = Promise.allSettled(working.values())
        await (everyMs === undefined ? all : Promise.race([all, delay(everyMs, undefined, {ref: false})]))
        signal?.throwIfAborted()
      } while (working.size > 0)
    } finally {
      await Promise.allSettled(working.values())
    }
    return [...states.values()].includes('busy') ? 'busy' : 'idle'
  }

  async #open(): Promise<JobRecord[]> {
    const {jobs, isMine = () => true} = this.#options
    return (await jobs.here((await jobs.store.list()).filter(isLeft))).filter(isMine)
  }

  /** One job's trouble is no other's; it is tried again after growing pauses. */
  async #withPatience(record: JobRecord, signal: AbortSignal | undefined): Promise<'idle' | 'busy'> {
    const {failures, firstPauseMs} = this.#memory
    const before = failures.get(record.id)
    const now = performance.now()
    if (before && now < before.next) return now - before.since < hopelessMs ? 'busy' : 'idle'
    try {
      const state = await this.#one(record, signal)
      failures.delete(record.id)
      return state
    } catch (error) {
      signal?.throwIfAborted()
      const {since, count} = before ?? {since: now, count: 0}
      failures.set(record.id, {since, count: count + 1, next: performance.now() + moveAgainAfterMs(count, firstPauseMs)})
      this.#options.onFailure?.(record, error)
      return 'busy'
    }
  }

  async #one(record: JobRecord, signal: AbortSignal | undefined): Promise<'idle' | 'busy'> {
    const {jobs} = this.#options
    // who starts it says when it runs; who was killed before that started nothing
    if (isBeingStarted(record)) return 'idle'
    let job: OpenJob
    try {
      job = await jobs.open(record.id, {signal})
    } catch (error) {
      return this.#withoutMachine(record, error, signal)
    }
    try {
      if (!isOver(job.status.state)) {
        await this.#copy(record, job, signal)
        return 'busy'
      }
      const settled = await jobs.ends.settle(job, job.status, this.#options.onEvent, {patienceMs: busyMs, signal})
      if (settled.first || settled.released) await this.#options.onSettled?.(record, settled, job.status)
      return settled.held ? 'busy' : 'idle'
    } finally {
      await job.session.close()
    }
  }

  async #copy({id, request, remoteCwd}: JobRecord, {session}: OpenJob, signal: AbortSignal | undefined): Promise<void> {
    const pattern = request.restarts?.checkpoint
    if (pattern === undefined || remoteCwd === undefined) return
    const {copies, settleMs} = this.#memory
    const mine = copies.get(id) ?? (await this.#options.jobs.store.checkpoints(id, {settleMs}))
    copies.set(id, mine)
    await session.guard(() => withAgent(session, (agent) => mine.pull(agent, {pattern, cwd: remoteCwd}, signal)))
  }

  /** A machine that does not answer may come back; one that is gone, or never knew the job, does not. */
  async #withoutMachine(record: JobRecord, error: unknown, signal: AbortSignal | undefined): Promise<'idle' | 'busy'> {
    const code = error instanceof CgpuError ? error.code : ''
    if (!['JOB_LOST', 'LOG_GONE', 'JOB_NOT_FOUND'].includes(code)) throw error
    const {move} = this.#options
    if (code === 'JOB_LOST' && mayMove(record)) {
      // somebody who can move it will
      if (!move || (await this.#move(record, move, signal))) return 'busy'
    }
    return this.#lost(record, signal)
  }

  /** One that had a machine counts: such are not made without end. What got none is tried again, after growing pauses. */
  async #move(record: JobRecord, move: NonNullable<TenderOptions['move']>, signal: AbortSignal | undefined): Promise<boolean> {
    try {
      return await move(record, signal)
    } catch (error) {
      signal?.throwIfAborted()
      if (!(error instanceof MoveFailed && error.hadMachine)) throw error
      // one that got as far as to start it there was counted with that
      const kept = await this.#options.jobs.store.update(record.id, (old) => (isWhereItWas(old, record) ? {...old, moves: (old.moves ?? 0) + 1, failedMoves: (old.failedMoves ?? 0) + 1} : undefined))
      if (!kept || !isWhereItWas(kept, record) || movesLeft(kept) > 0) throw error
      this.#options.onFailure?.(record, error)
      return false
    }
  }

  async #lost(record: JobRecord, signal: AbortSignal | undefined): Promise<'idle' | 'busy'> {
    const {jobs, onSettled} = this.#options
    return jobs.store.alone(record.id, async () => {
      const now = await jobs.store.get(record.id)
      // another process was faster
      if (!now || !isWhereItWas(now, record)) return 'busy' as const
      await jobs.ends.gone(now)
      // whoever collected its outputs told how it ended
      await onSettled?.(now, {outputs: [], missing: [], first: now.collectedAt === undefined}, undefined)
      return 'idle' as const
    }, {timeoutMs: 1_000, signal})
  }
}
