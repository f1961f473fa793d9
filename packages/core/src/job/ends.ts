import type {JobStatus} from '../agent/client.ts'
import {CgpuError, errors} from '../errors.ts'
import type {EventListener} from '../execution/events.ts'
import {withAgent} from '../execution/follow-log.ts'
import type {JobOutcome} from '../execution/job.ts'
import type {ReleasedRuntime, Runtimes} from '../runtime/service.ts'
import type {RuntimeSession} from '../runtime/session.ts'
import {isFollowed, isUnseen} from './followed.ts'
import type {OpenJob} from './jobs.ts'
import {mayMove} from './movable.ts'
import {isOver, type JobRecord, type JobSeen} from './record.ts'
import type {JobStore} from './store.ts'
import {lostSeen, seenOf} from './view.ts'

export interface JobEndsOptions {
  runtimes: Pick<Runtimes, 'remembered' | 'release'>
  store: JobStore
  onWarning?: ((message: string) => void) | undefined
  now?: () => Date
}

/** Nobody reads for longer than that after the end: a pager that was forgotten does not keep a machine. */
const longestReadMs = 30 * 60_000

/** What became of a job that is over. */
export interface Settled {
  outputs: {path: string; size: number; sha256: string}[]
  missing: string[]
  /** its runtime, where that was made for it */
  released?: ReleasedRuntime
  /** its end is news */
  first: boolean
  /** what is left to a later look: its runtime is to be released when nobody reads its log any more, or another process settles it just now */
  held?: 'read' | 'busy'
}

export interface SettleOptions {
  /** how long another process that settles it is waited for; default an hour: large outputs may come */
  patienceMs?: number
  signal?: AbortSignal | undefined
}
/** What happens to jobs that are over, and what is noted of them: each step once, whichever processes come by. */
export class JobEnds {
  readonly #options: JobEndsOptions
  readonly #store: JobStore

  constructor(options: JobEndsOptions) {
    this.#options = options
    this.#store = options.store
  }

  /**
   * Of a job that is over: brings its outputs back and releases its runtime, where that was to be done and nobody did it.
   * Idempotent over all processes.
   */
  async settle({id, session, runtime}: Pick<OpenJob, 'id' | 'session' | 'runtime'>, status: JobStatus, onEvent: EventListener, {patienceMs = 60 * 60_000, signal}: SettleOptions = {}): Promise<Settled> {
    const nothing: Settled = {outputs: [], missing: [], first: false}
    if (!isOver(status.state) || !(await this.#store.get(id))) return nothing
    return this.#store.alone(id, async () => {
      await this.#store.update(id, (old) => ({...old, seen: seenOf(status, this.#now())}))
      const record = await this.#store.get(id)
      if (!record || record.settledAt !== undefined || isFollowed(record)) return nothing
      const first = record.collectedAt === undefined
      const collected = first ? await this.#collect(record, session, status, onEvent, signal) : {outputs: [], missing: []}
      const kept = await this.#store.update(id, (old) => ({...old, collectedAt: old.collectedAt ?? this.#now().toISOString()}))
      if (kept && (await this.#isRead(kept))) return {...collected, first, held: 'read' as const}
      const released = record.releases ? await this.#release(record) : undefined
      await this.#store.update(id, (old) => ({...old, settledAt: this.#now().toISOString()}))
      await (await this.#store.checkpoints(id)).remove().catch(() => undefined)
      if (released) await session.close()
      return {...collected, ...(released ? {released} : {}), first}
    }, {timeoutMs: patienceMs, signal}).catch((error: unknown) => {
      if (error instanceof CgpuError && error.code === 'CANNOT_WRITE') return this.#unsettled(id, error, nothing)
      // somebody else brings them, and takes long
      if (error instanceof CgpuError && error.code === 'LOCK_TIMEOUT') return {...nothing, held: 'busy' as const}
      // nobody else can be asked to: it is told where the outputs still are
      if (error instanceof CgpuError && error.code === 'RUNTIME_RECLAIMED') throw errors.lost(`${runtime.name} went before the outputs of ${id} were here`, {code: 'OUTPUTS_LOST', fix: `cgpu job retry ${id}`, details: {id}})
      throw error
    })
  }

  /** Nothing can be kept here (the home is read-only, or full): only outputs that are lost by that are worth a failure. */
  async #unsettled(id: string, error: CgpuError, nothing: Settled): Promise<Settled> {
    const record = await this.#store.get(id)
    if (!record || record.settledAt !== undefined || isFollowed(record)) return nothing
    if (record.request.outputs.length > 0 && record.collectedAt === undefined) throw error
    this.#options.onWarning?.(`how ${id} ended cannot be kept: ${error.message}${record.releases ? `; give its machine back yourself: cgpu runtime release ${record.runtime.name}` : ''}`)
    return nothing
  }

  /**
   * Of a run that was followed to its end by whoever started it, and has its outputs: nothing is left to do. True: another process still
   * reads its log, and its machine, which was made for it, is left to who settles it then.
   */
  async ended(id: string, {exitStatus, signal, reason, startedAt, durationMs, stdoutBytes, stderrBytes}: JobOutcome): Promise<boolean> {
    const at = this.#now().toISOString()
    await (await this.#store.checkpoints(id)).remove().catch(() => undefined)
    const seen: JobSeen = {
      at, state: 'exited', exitStatus, signal, ...(reason === undefined ? {} : {reason}), startedAt, endedAt: startedAt + durationMs / 1000, stdoutBytes, stderrBytes,
    }
    // alone: a reader that ends meanwhile sees either that its machine is released here, or that it is left to it
    return this.#store.alone(id, async () => {
      const left = await this.#store.update(id, (old) => ({...old, seen, collectedAt: at, ...(old.releases ? {detached: true} : {settledAt: at})}))
      const read = left?.releases === true && (await this.#isRead(left))
      if (!read) await this.#store.update(id, (old) => ({...old, settledAt: at}))
      return read
    }, {timeoutMs: 5_000}).catch(async () => {
      await this.#note(id, seen)
      return false
    })
  }

  /** Of a run that failed while it was followed: what it was is told by `job show`, also when its machine is gone. */
  async failed(id: string, error: unknown): Promise<void> {
    const code = error instanceof CgpuError ? error.code : undefined
    const record = await this.#store.get(id).catch(() => undefined)
    // released on purpose while it ran: that is told, and not what followed from it
    if (!record || record.settledAt !== undefined) return
    const lost = code === 'RUNTIME_RECLAIMED' || code === 'JOB_LOST' || code === 'INTERRUPTED' || record.remoteCwd === undefined
    if (lost) await this.#note(id, lostSeen(this.#now(), undefined, code === 'INTERRUPTED' ? 'cancelled' : undefined))
  }

  /** Its machine is gone: nothing can be brought back any more. */
  async gone({id, seen}: JobRecord): Promise<void> {
    await this.#note(id, seen && isOver(seen.state) ? seen : lostSeen(this.#now(), seen))
  }

  /** Of a job that is over, before its machine is released on purpose: brings its outputs back. Idempotent as `settle`. Throws LOCK_TIMEOUT (72) where another process does. */
  async bringBack({id, session, status}: OpenJob, onEvent: EventListener): Promise<Settled> {
    return this.#store.alone(id, async () => {
      const record = await this.#store.get(id)
      if (!record || !isUnseen(record)) return {outputs: [], missing: [], first: false}
      const collected = await this.#collect(record, session, status, onEvent)
      const at = this.#now().toISOString()
      await this.#store.update(id, (old) => ({...old, seen: seenOf(status, this.#now()), collectedAt: at, settledAt: at}))
      await (await this.#store.checkpoints(id)).remove().catch(() => undefined)
      return {...collected, first: true}
    }, {timeoutMs: 4_000})
  }

  /**
   * A job whose machine is gone, and that would be put onto another one, stays where it is: whoever moves it just now gives the machine
   * back. Undefined: it does not wait, or no longer. Throws JOB_BUSY (72) where the command that started it moves it.
   */
  async endWaiting({id, runtime}: JobRecord): Promise<JobRecord | undefined> {
    const seen = lostSeen(this.#now(), undefined, 'cancelled')
    const kept = await this.#store.update(id, (old) => {
      if (old.runtime.id !== runtime.id || old.settledAt !== undefined || !mayMove(old)) return undefined
      if (isFollowed(old)) throw errors.conflict(`the job ${id} is being put onto another machine by process ${old.starter?.pid}`, {code: 'JOB_BUSY', retryable: true, fix: `try again when it is there, or end that: kill ${old.starter?.pid}`, details: {id}})
      return {...old, seen, settledAt: seen.at}
    })
    if (kept?.settledAt !== seen.at) return undefined
    await (await this.#store.checkpoints(id)).remove().catch(() => undefined)
    return kept
  }

  /** Its machine was released on purpose: what ran there was ended, and nobody is to go on with it. Which jobs those were. */
  async released(runtimeId: string): Promise<JobRecord[]> {
    const ended: JobRecord[] = []
    for (const record of await this.#store.list()) {
      const {id, runtime, seen, settledAt} = record
      if (runtime.id !== runtimeId || settledAt !== undefined || isOver(seen?.state)) continue
      await this.#note(id, lostSeen(this.#now(), seen, 'cancelled'))
      ended.push(record)
    }
    return ended
  }

  /** What cannot be written down is no failure of the run. */
  async #note(id: string, seen: JobSeen): Promise<void> {
    await this.#store.update(id, (old) => ({...old, seen, settledAt: this.#now().toISOString()})).catch(() => undefined)
  }

  async #collect({request, remoteCwd, outputDir}: JobRecord, session: RuntimeSession, status: JobStatus, onEvent: EventListener, signal?: AbortSignal): Promise<Pick<Settled, 'outputs' | 'missing'>> {
    if (request.outputs.length === 0 || remoteCwd === undefined) return {outputs: [], missing: []}
    const {collectOutputs} = await import('../execution/collect.ts')
    return session.guard(() => withAgent(session, (agent) => collectOutputs(agent, {
      patterns: request.outputs, cwd: remoteCwd, since: status.startedAt ?? 0, outputDir, onEvent, signal,
    })))
  }

  async #isRead({id, releases, collectedAt}: JobRecord): Promise<boolean> {
    if (!releases || this.#now().getTime() - Date.parse(collectedAt ?? '') > longestReadMs) return false
    return this.#store.readers(id).others()
  }

  async #release({runtime}: JobRecord): Promise<ReleasedRuntime | undefined> {
    const {runtimes} = this.#options
    const made = (await runtimes.remembered()).find(({id}) => id === runtime.id)
    if (!made) return undefined
    const [released] = await runtimes.release([made])
    return released
  }
  #now(): Date {
    return this.#options.now?.() ?? new Date()
  }
}
