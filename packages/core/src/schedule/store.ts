import {open, readdir, rm, rmdir, stat, unlink} from 'node:fs/promises'
import {join} from 'node:path'
import {setTimeout as delay} from 'node:timers/promises'
import {CgpuError, errors} from '../errors.ts'
import {RecordFolder} from '../state/record-folder.ts'
import {hostId, livesHere} from '../state/self.ts'
import {errnoOf} from '../state/write-error.ts'
import {matchPrefix} from '../text/names.ts'
import {RunLog} from './log.ts'
import {parseSchedule, type Schedule, type ScheduleRun} from './record.ts'

/** A holder on another machine touches its lock; see ../state/lock.ts. */
const foreignStaleMs = 30_000

/** The schedules: a small file each, and a folder with the output of its last runs. */
export class ScheduleStore {
  readonly #folder: string
  readonly #records: RecordFolder<Schedule>

  /** `state` is the `state/` folder of cgpu's data folder. */
  constructor(state: string, onWarning?: (message: string) => void) {
    this.#folder = join(state, 'schedules')
    this.#records = new RecordFolder<Schedule>({
      folder: this.#folder, key: 'schedule', idOf: ({name}) => name, parse: parseSchedule, onWarning, isId: isName,
      refuse: () => errors.usage('that cannot be the name of a schedule', {code: 'INVALID_NAME', fix: 'see the names: cgpu schedule list'}),
    })
  }

  /** By name. */
  async list(): Promise<Schedule[]> {
    return (await this.#records.all()).sort((a, b) => (a.name < b.name ? -1 : 1))
  }

  async get(name: string): Promise<Schedule | undefined> {
    return isName(name) ? this.#records.get(name) : undefined
  }

  /** By its name or a unique beginning of it. Throws NOT_FOUND (66) or AMBIGUOUS (64). */
  async find(query: string): Promise<Schedule> {
    return matchPrefix(query, (await this.list()).map((schedule) => ({id: schedule.name, ...schedule})), 'schedule')
  }

  /** Throws NAME_TAKEN (72). */
  async create(schedule: Schedule): Promise<void> {
    const {name} = schedule
    if (!(await this.#records.create(schedule))) throw errors.conflict(`there is a schedule "${name}" already`, {code: 'NAME_TAKEN', fix: `choose another name, or: cgpu schedule rm ${name}`})
  }

  /** Changes a record under its lock; undefined when it is not there (any more), or `change` returns undefined. */
  async update(name: string, change: (old: Schedule) => Schedule | undefined): Promise<Schedule | undefined> {
    let changed: Schedule | undefined
    await this.#records.update(name, (old) => (changed = change(old)))
    if (changed) await this.#forgetLogs(changed)
    return changed
  }

  async remove(name: string): Promise<void> {
    await this.#records.remove(name)
    await rm(this.#records.beside(name, ''), {recursive: true, force: true, maxRetries: 3})
  }

  /** The run that goes on: by who runs it, or by what is left of it. */
  async running(schedule: Schedule): Promise<ScheduleRun | undefined> {
    const {name, runs} = schedule
    const run = runs.find(({state}) => state === 'running')
    if (!run?.process) return undefined
    if (run.process.host === hostId()) return livesHere(run.process) ? run : leftOf(schedule)
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
    } finally {
      // whoever waited for the lock while the schedule was removed has made its folder again, to take it
      if (entered && !(await this.get(name).catch(() => true))) await rmdir(this.#records.beside(name, '')).catch(() => undefined)
    }
  }

  openLog(name: string, run: number): RunLog {
    return new RunLog(this.#logPath(name, run))
  }

  /** What a run printed, from a byte on; empty: it left nothing. */
  async readLog(name: string, run: number, from = 0): Promise<Buffer> {
    const file = await open(this.#logPath(name, run)).catch((error: unknown) => {
      if (errnoOf(error) === 'ENOENT') return undefined
      throw error
    })
    try {
      const size = file ? (await file.stat()).size : 0
      if (!file || size <= from) return Buffer.alloc(0)
      const {buffer, bytesRead} = await file.read(Buffer.alloc(size - from), 0, size - from, from)
      return buffer.subarray(0, bytesRead)
    } finally {
      await file?.close()
    }
  }

  /** The same as it comes, until the run is over; looks again every `everyMs`. */
  async *followLog(name: string, run: number, everyMs = 250): AsyncGenerator<Buffer, void> {
    for (let at = 0; ; ) {
      const schedule = await this.get(name)
      // asked before the last look: nothing is printed after it
      const goesOn = schedule !== undefined && (await this.running(schedule))?.run === run
      const piece = await this.readLog(name, run, at)
      at += piece.length
      if (piece.length > 0) yield piece
      if (!goesOn) return
      await delay(everyMs)
    }
  }

  async #forgetLogs({name, runs}: Schedule): Promise<void> {
    const kept = new Set(runs.map(({run}) => `${run}.log`))
    const names = await readdir(join(this.#folder, name)).catch(() => [])
    for (const one of names) if (/^\d+\.log$/.test(one) && !kept.has(one)) await unlink(join(this.#folder, name, one)).catch(() => undefined)
  }

  readonly #lock = (name: string): string => join(this.#folder, name, 'run.lock')
  readonly #logPath = (name: string, run: number): string => join(this.#folder, name, `${run}.log`)
}

/** A run whose command lives though who ran it does not, as run by that command: how it ends nobody will know. */
export function leftOf({runs}: Schedule): ScheduleRun | undefined {
  const run = runs.find(({state, command}) => state === 'running' && command !== undefined && livesHere(command))
  return run?.command && !(run.process && livesHere(run.process)) ? {...run, process: run.command} : undefined
}

/** What `validateName` lets through: it becomes a path. */
const isName = (name: string): boolean => /^[a-z0-9][a-z0-9-]{0,39}$/.test(name)
