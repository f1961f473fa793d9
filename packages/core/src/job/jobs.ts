import {abortable} from '../abortable.ts'
import type {JobStatus} from '../agent/client.ts'
import {CgpuError, errors} from '../errors.ts'
import {withAgent} from '../execution/follow-log.ts'
import type {RuntimeRecord} from '../runtime/record.ts'
import type {Runtimes} from '../runtime/service.ts'
import type {RuntimeSession, SessionOptions} from '../runtime/session.ts'
import {sanitizeLine} from '../text/line.ts'
import {matchPrefix} from '../text/names.ts'
import {JobEnds} from './ends.ts'
import {isFollowed} from './followed.ts'
import {mayMoveByHand} from './movable.ts'
import {elsewhere, isHere, type Realms} from './realm.ts'
import {isOver, type JobRecord} from './record.ts'
import type {JobStore} from './store.ts'
import {type JobView, seenOf, viewOfRecord, viewOfStatus} from './view.ts'

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

/** The jobs of this user: what was started from here, and what the machines know. */
export class Jobs {
  /** what happens to those that are over */
  readonly ends: JobEnds
  readonly #options: JobsOptions

  constructor(options: JobsOptions) {
    this.#options = options
    this.ends = new JobEnds(options)
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
