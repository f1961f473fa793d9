import {join} from 'node:path'
import {errors} from '../errors.ts'
import {RecordFolder} from '../state/record-folder.ts'
import type {Checkpoints, CheckpointsOptions} from './checkpoints.ts'
import {Readers} from './readers.ts'
import {isOver, type JobRecord, parseJobRecord} from './record.ts'

/** Records of jobs that are over are kept up to so many. */
const keptJobs = 500

/** The remembered jobs: one small file each. Two commands on one job take turns, others never wait. */
export class JobStore {
  readonly #folder: string
  readonly #records: RecordFolder<JobRecord>

  /** `state` is the `state/` folder of cgpu's data folder. */
  constructor(state: string, onWarning?: (message: string) => void) {
    this.#folder = join(state, 'jobs')
    this.#records = new RecordFolder<JobRecord>({
      folder: this.#folder, key: 'job', idOf: ({id}) => id, parse: parseJobRecord, onWarning, isId: (id) => /^[A-Za-z0-9_-]{1,64}$/.test(id),
      refuse: () => errors.usage('that cannot be the id of a job', {code: 'INVALID_ID', fix: 'see the ids: cgpu job list'}),
    })
  }

  /** Newest first. */
  async list(): Promise<JobRecord[]> {
    return (await this.#records.all()).sort((a, b) => b.createdAt.localeCompare(a.createdAt))
  }

  /** The newest so many of those whose ids `wanted` takes, without reading the others: ids sort by age. */
  async newest(count: number, wanted: (id: string) => boolean): Promise<JobRecord[]> {
    const ids = (await this.#records.ids()).filter(wanted).sort().slice(-count).toReversed()
    return (await Promise.all(ids.map((id) => this.get(id)))).filter((one) => one !== undefined)
  }

  async get(id: string): Promise<JobRecord | undefined> {
    return this.#records.get(id)
  }

  async put(job: JobRecord): Promise<void> {
    await this.#records.put(job)
    await this.#prune(job.id)
  }

  /** Changes a record under its lock; where `change` gives undefined it stays as it is. Returns it as it is then; undefined when it is not there (any more). */
  async update(id: string, change: (old: JobRecord) => JobRecord | undefined): Promise<JobRecord | undefined> {
    return this.#records.update(id, change)
  }

  /** Where copies of its checkpoints are. */
  async checkpoints(id: string, options?: CheckpointsOptions): Promise<Checkpoints> {
    const {Checkpoints: Copies} = await import('./checkpoints.ts')
    return new Copies(this.#records.beside(id, '.checkpoints'), options)
  }

  /** Who reads its log. */
  readers(id: string): Readers {
    return new Readers(this.#records.beside(id, '.readers'))
  }

  async remove(id: string): Promise<void> {
    await (await this.checkpoints(id)).remove()
    await this.readers(id).remove()
    await this.#records.remove(id)
  }

  /** Runs `fn` while no other process does so for this job: whoever follows it to its end, or starts it. Throws LOCK_TIMEOUT (72). */
  async alone<T>(id: string, fn: () => Promise<T>, options: {timeoutMs: number; signal?: AbortSignal | undefined}): Promise<T> {
    const {withLock} = await import('../state/lock.ts')
    const {timeoutMs, signal} = options
    return withLock(this.#records.beside(id, '.busy.lock'), fn, {timeoutMs, ...(signal ? {signal} : {})})
  }

  /** Now and then: ids sort by age, so only when there are too many is anything read. */
  async #prune(newest: string): Promise<void> {
    const ids = await this.#records.ids()
    if (ids.length <= keptJobs + 50) return
    for (const id of ids.sort().slice(0, ids.length - keptJobs)) {
      const job = id === newest ? undefined : await this.get(id)
      if (job && isOver(job.seen?.state) && (!job.detached || job.settledAt !== undefined)) await this.remove(id)
    }
  }
}
