import {readdir, unlink} from 'node:fs/promises'
import {join} from 'node:path'
import {errors} from '../errors.ts'
import {JsonFile} from '../state/json-file.ts'
import {errnoOf} from '../state/write-error.ts'
import type {Checkpoints, CheckpointsOptions} from './checkpoints.ts'
import {Readers} from './readers.ts'
import {isOver, type JobRecord, parseJobRecord} from './record.ts'

interface Kept {
  job?: JobRecord
}

/** Records of jobs that are over are kept up to so many. */
const keptJobs = 500

/** The remembered jobs: one small file each. Two commands on one job take turns, others never wait. */
export class JobStore {
  readonly #folder: string
  readonly #onWarning: ((message: string) => void) | undefined

  /** `state` is the `state/` folder of cgpu's data folder. */
  constructor(state: string, onWarning?: (message: string) => void) {
    this.#folder = join(state, 'jobs')
    this.#onWarning = onWarning
  }

  /** Newest first. */
  async list(): Promise<JobRecord[]> {
    const records = await Promise.all((await this.#ids()).map((id) => this.get(id)))
    return records.filter((one) => one !== undefined).sort((a, b) => b.createdAt.localeCompare(a.createdAt))
  }

  async get(id: string): Promise<JobRecord | undefined> {
    return (await this.#file(id).read()).job
  }

  async put(job: JobRecord): Promise<void> {
    await this.#file(job.id).update(() => ({job}))
    await this.#prune(job.id)
  }

  /** Changes a record under its lock; undefined when it is not there (any more), or `change` returns undefined. */
  async update(id: string, change: (old: JobRecord) => JobRecord | undefined): Promise<JobRecord | undefined> {
    const {job} = await this.#file(id).update((old) => {
      const next = old.job && change(old.job)
      return next ? {job: next} : undefined
    })
    return job
  }

  /** Where copies of its checkpoints are. */
  async checkpoints(id: string, options?: CheckpointsOptions): Promise<Checkpoints> {
    const {Checkpoints: Copies} = await import('./checkpoints.ts')
    return new Copies(join(this.#folder, `${id}.checkpoints`), options)
  }

  /** Who reads its log. */
  readers(id: string): Readers {
    this.#path(id)
    return new Readers(join(this.#folder, `${id}.readers`))
  }

  async remove(id: string): Promise<void> {
    await (await this.checkpoints(id)).remove()
    await this.readers(id).remove()
    await unlink(this.#path(id)).catch((error: unknown) => {
      if (errnoOf(error) !== 'ENOENT') throw error
    })
  }

  /** Runs `fn` while no other process does so for this job: whoever follows it to its end, or starts it. Throws LOCK_TIMEOUT (72). */
  async alone<T>(id: string, fn: () => Promise<T>, options: {timeoutMs: number; signal?: AbortSignal | undefined}): Promise<T> {
    const {withLock} = await import('../state/lock.ts')
    const {timeoutMs, signal} = options
    return withLock(join(this.#folder, `${id}.busy.lock`), fn, {timeoutMs, ...(signal ? {signal} : {})})
  }

  async #ids(): Promise<string[]> {
    try {
      return (await readdir(this.#folder)).filter((name) => name.endsWith('.json')).map((name) => name.slice(0, -'.json'.length))
    } catch (error) {
      if (errnoOf(error) === 'ENOENT') return []
      throw error
    }
  }

  /** Now and then: ids sort by age, so only when there are too many is anything read. */
  async #prune(newest: string): Promise<void> {
    const ids = await this.#ids()
    if (ids.length <= keptJobs + 50) return
    for (const id of ids.sort().slice(0, ids.length - keptJobs)) {
      const job = id === newest ? undefined : await this.get(id)
      if (job && isOver(job.seen?.state) && (!job.detached || job.settledAt !== undefined)) await this.remove(id)
    }
  }

  #path(id: string): string {
    if (!/^[A-Za-z0-9_-]{1,64}$/.test(id)) throw errors.usage('that cannot be the id of a job', {code: 'INVALID_ID', fix: 'see the ids: cgpu job list'})
    return join(this.#folder, `${id}.json`)
  }

  #file(id: string): JsonFile<Kept> {
    return new JsonFile<Kept>({
      path: this.#path(id), version: 1, initial: () => ({}), backup: false, onWarning: this.#onWarning,
      parse: (value) => {
        const job = parseJobRecord(value['job'])
        return job?.id === id ? {job} : undefined
      },
    })
  }
}
