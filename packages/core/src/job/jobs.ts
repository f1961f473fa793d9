import {abortable} from '../abortable.ts'
import type {JobStatus} from '../agent/client.ts'
import {CgpuError, errors} from '../errors.ts'
import type {EventListener} from '../execution/events.ts'
import {withAgent} from '../execution/follow-log.ts'
import type {RuntimeRecord} from '../runtime/record.ts'
import type {ReleasedRuntime, Runtimes} from '../runtime/service.ts'
import type {RuntimeSession, SessionOptions} from '../runtime/session.ts'
import {sanitizeLine} from '../text/line.ts'
import {matchPrefix} from '../text/names.ts'
import type {JobOutcome} from '../execution/job.ts'
import {isFollowed, isUnseen} from './followed.ts'
import {mayMove, mayMoveByHand} from './movable.ts'
import {elsewhere, isHere, type Realms} from './realm.ts'
import {isOver, type JobRecord, type JobSeen} from './record.ts'
import type {JobStore} from './store.ts'
import {type JobView, lostSeen, seenOf, viewOfRecord, viewOfStatus} from './view.ts'

export interface JobsOptions {
  runtimes: Pick<Runtimes, 'remembered' | 'select' | 'release' | 'keep'>
  connect: (record: RuntimeRecord, options?: Pick<SessionOptions, 'signal' | 'onLink'>) => Promise<RuntimeSession>
  store: JobStore
  /** absent: all jobs are of this process's realm */
  realms?: Realms
  onWarning?: ((message: string) => void) | undefined
  now?: () => Date
}

/** A job on a machine that answers. The caller closes the session. */
export interface OpenJob {
  id: string
  /** absent: it was started from elsewhere */
  record?: JobRecord
  runtime: RuntimeRecord
  session: RuntimeSession
  status: JobStatus
  /** of who opened it to read: all was read */
  doneReading?: () => Promise<void>
}

export interface OpenOptions extends Pick<SessionOptions, 'signal' | 'onLink'> {
  /** name of the runtime that it is on; absent: where it was started, else any */
  runtime?: string | undefined
  /** its log is read: until `doneReading` its machine is not released */
  reads?: boolean
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

/** The jobs of this user: what was started from here, and what the machines know. */
export class Jobs {
  readonly #options: JobsOptions

  constructor(options: JobsOptions) {
    this.#options = options
  }

  get store(): JobStore {
    return this.#options.store
  }

  /** Newest first. Machines are asked at once; of one that cannot be asked, what was known. With a runtime: its jobs, or its error. */
  async list(runtime?: string): Promise<JobView[]> {
    const {runtimes, store} = this.#options
    const [records, known] = await Promise.all([store.list().then((all) => this.here(all)), runtimes.remembered()])
    const asked = runtime === undefined ? known.filter((one) => one.origin !== 'foreign') : [await runtimes.select(runtime)]
    const answers = await Promise.all(asked.map((one) => this.#ofRuntime(one, records, runtime !== undefined)))
    const views = answers.flat()
    const rest = records.filter((one) => !views.some(({id}) => id === one.id) && (runtime === undefined || asked.some(({id}) => id === one.runtime.id)))
    views.push(...rest.map((one) => viewOfRecord(one, !known.some(({id}) => id === one.runtime.id))))
    return views.sort((a, b) => (b.createdAt ?? '').localeCompare(a.createdAt ?? ''))
  }

  async #ofRuntime(runtime: RuntimeRecord, records: readonly JobRecord[], must: boolean): Promise<JobView[]> {
    const now = this.#now()
    try {
      const jobs = await (must ? this.#ask(runtime) : inTime(runtime, this.#ask(runtime)))
      const views = jobs.map((status) => viewOfStatus(status, runtime.name, records.find(({id}) => id === status.id), now))
      await Promise.all(jobs.map((status) => this.#see(status)))
      return views
    } catch (error) {
      if (must || !(error instanceof CgpuError)) throw error
      this.#options.onWarning?.(`${runtime.name} could not be asked: ${error.message}`)
      return []
    }
  }

  /** Of a machine; those that cells leave are not jobs. */
  async #ask(runtime: RuntimeRecord): Promise<JobStatus[]> {
    const session = await this.#options.connect(runtime)
    try {
      const runs = await session.guard(() => withAgent(session, (agent) => agent.runs()))
      // what cannot be told of, as its notes were lost to a full disk, may be a cell's
      return runs.filter(({kind, state}) => kind !== 'cell' && state !== 'unknown')
    } finally {
      await session.close()
    }
  }

  /** A record's job that ended is remembered as such, so that it can be told of when its machine is gone. */
  async #see(status: JobStatus): Promise<void> {
    await this.store.update(status.id, (old) => (isOver(old.seen?.state) ? undefined : {...old, seen: seenOf(status, this.#now())})).catch(() => undefined)
  }

  /** Those of this process's realm: of others nothing is known here. */
  async here(records: JobRecord[]): Promise<JobRecord[]> {
    const {realms} = this.#options
    if (!realms) return records
    const are = await Promise.all(records.map((record) => isHere(record, realms)))
    return records.filter((_, at) => are[at])
  }

  /** Jobs whose command was killed keep the machines that were made for them: whoever settles one releases its machine. */
  async keepMachines(): Promise<void> {
    const {runtimes} = this.#options
    const open = (await this.store.list()).filter((record) => record.releases && record.settledAt === undefined && record.remoteCwd !== undefined && !isFollowed(record))
    if (open.length === 0) return
    const known = await runtimes.remembered()
    await Promise.all(open.map(async ({runtime: {id}}) => {
      const runtime = known.find((one) => one.id === id)
      // what its provider does not know is not released by it either
      if (runtime) await runtimes.keep(runtime).catch(() => undefined)
    }))
  }

  /**
   * What is remembered of a job, by its id or a unique beginning; undefined when nothing started from here is meant.
   * Throws INVALID_ID (64), AMBIGUOUS (64).
   */
  async remembered(query: string): Promise<JobRecord | undefined> {
    checkId(query)
    const records = await this.store.list()
    if (!records.some(({id}) => id.startsWith(query))) return undefined
    return matchPrefix(query, records.map((record) => ({id: record.id, record})), 'job').record
  }

  /**
   * The job that is meant, on its machine. Throws INVALID_ID, AMBIGUOUS (64), JOB_NOT_FOUND (66); JOB_LOST (71) and LOG_GONE (66) when
   * its machine is gone, before and after its end.
   */
  async open(query: string, {reads, ...options}: OpenOptions = {}): Promise<OpenJob> {
    const record = await this.remembered(query)
    // first, so that it is not released meanwhile; where nothing can be written, it is read all the same
    const doneReading = record && reads ? await this.store.readers(record.id).join().catch(() => undefined) : undefined
    try {
      return {...(await this.#open(query, record, options)), ...(doneReading ? {doneReading} : {})}
    } catch (error) {
      await doneReading?.()
      throw error
    }
  }

  async #open(query: string, record: JobRecord | undefined, {runtime: named, ...options}: Omit<OpenOptions, 'reads'>): Promise<OpenJob> {
    const known = await this.#options.runtimes.remembered()
    const usual = record && known.find(({id}) => id === record.runtime.id)
    if (record && !usual && named === undefined) throw await this.#withoutRuntime(record)
    const mine = known.filter(({origin}) => origin !== 'foreign')
    const machines = named !== undefined ? [await this.#options.runtimes.select(named)] : usual ? [usual] : mine
    if (machines.length === 0) throw notFound(query)
    return this.#openOn(machines, record?.id ?? query, record, options)
  }

  /** That it is not among the runtimes that are seen here says only of those of this realm that it is gone. */
  async #withoutRuntime(record: JobRecord): Promise<CgpuError> {
    const {realms} = this.#options
    return realms && !(await isHere(record, realms)) ? elsewhere(record, realms) : machineGone(record)
  }

  async #openOn(machines: RuntimeRecord[], query: string, record: JobRecord | undefined, options: OpenOptions): Promise<OpenJob> {
    const failures: unknown[] = []
    const found = (await Promise.all(machines.map((runtime) => this.#lookOn(runtime, query, options).catch((error: unknown) => {
      failures.push(error)
      return undefined
    })))).filter((one) => one !== undefined)
    const [only, ...others] = found
    if (only && others.length === 0) {
      await this.#see(only.status)
      return {...only, ...(record ? {record} : {})}
    }
    await Promise.all(found.map(({session}) => session.close()))
    if (only) matchPrefix(query, found.map(({id}) => ({id})), 'job') // says which there are
    if (record && failures.some((error) => error instanceof CgpuError && error.code === 'RUNTIME_GONE')) throw machineGone(record)
    if (failures.length > 0) throw failures[0]
    throw notFound(query, machines.length === 1 ? machines[0] : undefined)
  }

  async #lookOn(runtime: RuntimeRecord, query: string, {signal, onLink}: OpenOptions): Promise<Omit<OpenJob, 'record'> | undefined> {
    const session = await this.#options.connect(runtime, {signal, onLink})
    try {
      const status = await session.guard(() => withAgent(session, (agent) => agent.status(query, {signal})))
      if (status.state !== 'unknown') return {id: query, runtime, session, status}
      const runs = await session.guard(() => withAgent(session, (agent) => agent.runs({signal})))
      const near = runs.filter(({id, kind}) => kind !== 'cell' && id.startsWith(query))
      const meant = near.length === 0 ? undefined : matchPrefix(query, near, 'job')
      if (meant) return {id: meant.id, runtime, session, status: meant}
    } catch (error) {
      await session.close()
      throw error
    }
    await session.close()
    return undefined
  }

  /**
   * Of a job that is over: brings its outputs back and releases its runtime, where that was to be done and nobody did it.
   * Idempotent over all processes.
   */
  async settle({id, session, runtime}: Pick<OpenJob, 'id' | 'session' | 'runtime'>, status: JobStatus, onEvent: EventListener, {patienceMs = 60 * 60_000, signal}: SettleOptions = {}): Promise<Settled> {
    const nothing: Settled = {outputs: [], missing: [], first: false}
    if (!isOver(status.state) || !(await this.store.get(id))) return nothing
    return this.store.alone(id, async () => {
      await this.store.update(id, (old) => ({...old, seen: seenOf(status, this.#now())}))
      const record = await this.store.get(id)
      if (!record || record.settledAt !== undefined || isFollowed(record)) return nothing
      const first = record.collectedAt === undefined
      const collected = first ? await this.#collect(record, session, status, onEvent, signal) : {outputs: [], missing: []}
      const kept = await this.store.update(id, (old) => ({...old, collectedAt: old.collectedAt ?? this.#now().toISOString()}))
      if (kept && (await this.#isRead(kept))) return {...collected, first, held: 'read' as const}
      const released = record.releases ? await this.#release(record) : undefined
      await this.store.update(id, (old) => ({...old, settledAt: this.#now().toISOString()}))
      await (await this.store.checkpoints(id)).remove().catch(() => undefined)
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
    const record = await this.store.get(id)
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
    await (await this.store.checkpoints(id)).remove().catch(() => undefined)
    const seen: JobSeen = {
      at, state: 'exited', exitStatus, signal, ...(reason === undefined ? {} : {reason}), startedAt, endedAt: startedAt + durationMs / 1000, stdoutBytes, stderrBytes,
    }
    // alone: a reader that ends meanwhile sees either that its machine is released here, or that it is left to it
    return this.store.alone(id, async () => {
      const left = await this.store.update(id, (old) => ({...old, seen, collectedAt: at, ...(old.releases ? {detached: true} : {settledAt: at})}))
      const read = left?.releases === true && (await this.#isRead(left))
      if (!read) await this.store.update(id, (old) => ({...old, settledAt: at}))
      return read
    }, {timeoutMs: 5_000}).catch(async () => {
      await this.#note(id, seen)
      return false
    })
  }

  /** Of a run that failed while it was followed: what it was is told by `job show`, also when its machine is gone. */
  async failed(id: string, error: unknown): Promise<void> {
    const code = error instanceof CgpuError ? error.code : undefined
    const record = await this.store.get(id).catch(() => undefined)
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
    return this.store.alone(id, async () => {
      const record = await this.store.get(id)
      if (!record || !isUnseen(record)) return {outputs: [], missing: [], first: false}
      const collected = await this.#collect(record, session, status, onEvent)
      const at = this.#now().toISOString()
      await this.store.update(id, (old) => ({...old, seen: seenOf(status, this.#now()), collectedAt: at, settledAt: at}))
      await (await this.store.checkpoints(id)).remove().catch(() => undefined)
      return {...collected, first: true}
    }, {timeoutMs: 4_000})
  }

  /**
   * A job whose machine is gone, and that would be put onto another one, stays where it is: whoever moves it just now gives the machine
   * back. Undefined: it does not wait, or no longer. Throws JOB_BUSY (72) where the command that started it moves it.
   */
  async endWaiting({id, runtime}: JobRecord): Promise<JobRecord | undefined> {
    const seen = lostSeen(this.#now(), undefined, 'cancelled')
    const kept = await this.store.update(id, (old) => {
      if (old.runtime.id !== runtime.id || old.settledAt !== undefined || !mayMove(old)) return undefined
      if (isFollowed(old)) throw errors.conflict(`the job ${id} is being put onto another machine by process ${old.starter?.pid}`, {code: 'JOB_BUSY', retryable: true, fix: `try again when it is there, or end that: kill ${old.starter?.pid}`, details: {id}})
      return {...old, seen, settledAt: seen.at}
    })
    if (kept?.settledAt !== seen.at) return undefined
    await (await this.store.checkpoints(id)).remove().catch(() => undefined)
    return kept
  }

  /** Its machine was released on purpose: what ran there was ended, and nobody is to go on with it. Which jobs those were. */
  async released(runtimeId: string): Promise<JobRecord[]> {
    const ended: JobRecord[] = []
    for (const record of await this.store.list()) {
      const {id, runtime, seen, settledAt} = record
      if (runtime.id !== runtimeId || settledAt !== undefined || isOver(seen?.state)) continue
      await this.#note(id, lostSeen(this.#now(), seen, 'cancelled'))
      ended.push(record)
    }
    return ended
  }

  /** What cannot be written down is no failure of the run. */
  async #note(id: string, seen: JobSeen): Promise<void> {
    await this.store.update(id, (old) => ({...old, seen, settledAt: this.#now().toISOString()})).catch(() => undefined)
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
    return this.store.readers(id).others()
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

/** For a list one machine that does not answer is not worth more. */
const listMs = 6_000

async function inTime<T>({name}: RuntimeRecord, asked: Promise<T>): Promise<T> {
  const late = errors.network(`no answer within ${listMs / 1000} s`, {code: 'NO_ANSWER', fix: `cgpu runtime show ${name}`, retryable: true})
  const limit = new AbortController()
  const timer = setTimeout(() => limit.abort(late), listMs)
  return abortable(asked, limit.signal).finally(() => clearTimeout(timer))
}

/** Throws INVALID_ID (64). */
export function checkId(query: string): void {
  if (/^[A-Za-z0-9_-]{1,64}$/.test(query)) return
  throw errors.usage(`"${sanitizeLine(query, 80)}" cannot be the id of a job`, {code: 'INVALID_ID', fix: 'see the ids: cgpu job list'})
}

function notFound(query: string, runtime?: RuntimeRecord): CgpuError {
  return errors.notFound(runtime ? `${runtime.name} knows no job ${query}` : `there is no job ${query}`, {
    code: 'JOB_NOT_FOUND', fix: runtime ? `cgpu job list -r ${runtime.name}` : 'cgpu job list', details: {id: query},
  })
}

/** Its output went with its machine; how it ended may be known. */
export function machineGone(record: JobRecord): CgpuError {
  const {id, runtime, seen} = record
  if (isOver(seen?.state)) {
    return errors.notFound(`the log of ${id} is gone with its machine ${runtime.name}`, {code: 'LOG_GONE', fix: `how it ended: cgpu job show ${id}`, details: {id}})
  }
  return errors.lost(`${runtime.name} is gone, and the job ${id} with it`, {code: 'JOB_LOST', fix: mayMoveByHand(record) ? `go on with it: cgpu job move ${id}` : `run it again: cgpu job retry ${id}`, details: {id, runtime: runtime.name}})
}
