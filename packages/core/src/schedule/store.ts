import {readdir, readFile, rm, stat, unlink} from 'node:fs/promises'
import {join} from 'node:path'
import {CgpuError, errors} from '../errors.ts'
import {JsonFile} from '../state/json-file.ts'
import {hostId, livesHere} from '../state/self.ts'
import {errnoOf} from '../state/write-error.ts'
import {matchPrefix} from '../text/names.ts'
import {RunLog} from './log.ts'
import {parseSchedule, type Schedule, type ScheduleRun} from './record.ts'

interface Kept {
  schedule?: Schedule
}

/** A holder on another machine touches its lock; see ../state/lock.ts. */
const foreignStaleMs = 30_000

/** The schedules: a small file each, and a folder with the output of its last runs. */
export class ScheduleStore {
  readonly #folder: string
  readonly #onWarning: ((message: string) => void) | undefined

  /** `state` is the `state/` folder of cgpu's data folder. */
  constructor(state: string, onWarning?: (message: string) => void) {
    this.#folder = join(state, 'schedules')
    this.#onWarning = onWarning
  }

  /** By name. */
  async list(): Promise<Schedule[]> {
    const names = await readdir(this.#folder).catch((error: unknown) => {
      if (errnoOf(error) === 'ENOENT') return []
      throw error
    })
    const own = names.filter((name) => name.endsWith('.json')).map((name) => name.slice(0, -'.json'.length)).filter(isName).sort()
    return (await Promise.all(own.map((name) => this.get(name)))).filter((one) => one !== undefined)
  }

  async get(name: string): Promise<Schedule | undefined> {
    return isName(name) ? (await this.#file(name).read()).schedule : undefined
  }

  /** By its name or a unique beginning of it. Throws NOT_FOUND (66) or AMBIGUOUS (64). */
  async find(query: string): Promise<Schedule> {
    return matchPrefix(query, (await this.list()).map((schedule) => ({id: schedule.name, ...schedule})), 'schedule')
  }

  /** Throws NAME_TAKEN (72). */
  async create(schedule: Schedule): Promise<void> {
    const {name} = schedule
    await this.#file(name).update((old) => {
      if (old.schedule) throw errors.conflict(`there is a schedule "${name}" already`, {code: 'NAME_TAKEN', fix: `choose another name, or: cgpu schedule rm ${name}`})
      return {schedule}
    })
  }

  /** Changes a record under its lock; undefined when it is not there (any more), or `change` returns undefined. */
  async update(name: string, change: (old: Schedule) => Schedule | undefined): Promise<Schedule | undefined> {
    let changed: Schedule | undefined
    await this.#file(name).update((old) => {
      changed = old.schedule && change(old.schedule)
      return changed ? {schedule: changed} : undefined
    })
    if (changed) await this.#forgetLogs(changed)
    return changed
  }

  async remove(name: string): Promise<void> {
    await unlink(this.#path(name)).catch((error: unknown) => {
      if (errnoOf(error) !== 'ENOENT') throw error
    })
    await rm(join(this.#folder, name), {recursive: true, force: true, maxRetries: 3})
  }

  /** The run that goes on; one whose process is gone does not. */
  async running({name, runs}: Schedule): Promise<ScheduleRun | undefined> {
    const run = runs.find(({state}) => state === 'running')
    if (!run?.process) return undefined
    if (run.process.host === hostId()) return livesHere(run.process) ? run : undefined
    const touched = await stat(this.#lock(name)).then(({mtimeMs}) => mtimeMs, () => 0)
    return Date.now() - touched < foreignStaleMs ? run : undefined
  }

  /** Runs `fn` while no other process runs this schedule; `busy` where one does. */
  async alone<T>(name: string, fn: () => Promise<T>): Promise<T | 'busy'> {
    const {withLock} = await import('../state/lock.ts')
    let entered = false
    try {
      return await withLock(this.#lock(name), () => {
        entered = true
        return fn()
      }, {timeoutMs: 200})
    } catch (error) {
      if (!entered && error instanceof CgpuError && error.code === 'LOCK_TIMEOUT') return 'busy'
      throw error
    }
  }

  openLog(name: string, run: number): RunLog {
    return new RunLog(this.#logPath(name, run))
  }

  /** What a run printed; undefined: it left nothing. */
  async readLog(name: string, run: number): Promise<Buffer | undefined> {
    return readFile(this.#logPath(name, run)).catch((error: unknown) => {
      if (errnoOf(error) === 'ENOENT') return undefined
      throw error
    })
  }

  async #forgetLogs({name, runs}: Schedule): Promise<void> {
    const kept = new Set(runs.map(({run}) => `${run}.log`))
    const names = await readdir(join(this.#folder, name)).catch(() => [])
    for (const one of names) if (/^\d+\.log$/.test(one) && !kept.has(one)) await unlink(join(this.#folder, name, one)).catch(() => undefined)
  }

  readonly #lock = (name: string): string => join(this.#folder, name, 'run.lock')
  readonly #logPath = (name: string, run: number): string => join(this.#folder, name, `${run}.log`)
  readonly #path = (name: string): string => join(this.#folder, `${name}.json`)

  #file(name: string): JsonFile<Kept> {
    return new JsonFile<Kept>({
      path: this.#path(name), version: 1, initial: () => ({}), backup: false, onWarning: this.#onWarning,
      parse: (value) => {
        const schedule = parseSchedule(value['schedule'])
        return schedule?.name === name ? {schedule} : undefined
      },
    })
  }
}

/** What `validateName` lets through: it becomes a path. */
const isName = (name: string): boolean => /^[a-z0-9][a-z0-9-]{0,39}$/.test(name)
