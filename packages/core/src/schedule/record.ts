import {isObject} from '../state/json.ts'
import {parseMark, type ProcessMark} from '../state/self.ts'

/** Times by the clock of a zone, or again and again since the schedule was made. */
export type When = {cron: string; timezone: string} | {everySeconds: number}

/** What becomes of a time that passed while nobody was there to run it. */
export type Missed = 'run' | 'skip'

/** One time that was run, or was not. */
export interface ScheduleRun {
  /** counts up from 1 */
  run: number
  /** `running` is the word of a process: it may have died since */
  state: 'running' | 'exited' | 'lost' | 'skipped'
  /** null: it was run by hand */
  dueAt: string | null
  /** of several times in a row that were skipped for the same reason, the last */
  lastDueAt?: string
  /** why it was skipped: the run before went on, or nobody was there */
  reason?: 'running' | 'missed'
  startedAt?: string
  endedAt?: string
  exitStatus?: number
  /** who runs it */
  process?: ProcessMark
  /** what it runs: goes on for a while, or to its end, where whoever runs it was killed */
  command?: ProcessMark
}

export interface Schedule {
  name: string
  /** a command line of cgpu without `cgpu`, as it was typed */
  argv: string[]
  cwd: string
  when: When
  missed: Missed
  enabled: boolean
  createdAt: string
  /** times until then are seen to: run, skipped, or from before */
  doneUntil: string
  /** the last so many, newest first */
  runs: ScheduleRun[]
  nextRun: number
}

const text = (value: unknown): value is string => typeof value === 'string'
const moment = (value: unknown): value is string => text(value) && Number.isFinite(Date.parse(value))

/** Parses a record file. Undefined when it is not one. */
export function parseSchedule(value: unknown): Schedule | undefined {
  if (!isObject(value)) return undefined
  const {name, argv, cwd, missed, enabled, createdAt, doneUntil, nextRun} = value
  const when = parseStored(value['when'])
  if (!text(name) || !Array.isArray(argv) || !argv.every(text) || !text(cwd) || !when || !moment(createdAt) || !moment(doneUntil)) return undefined
  const runs = (Array.isArray(value['runs']) ? value['runs'] : []).map(parseRun).filter((run) => run !== undefined)
  const next = Math.max(0, ...runs.map(({run}) => run)) + 1
  return {
    name, argv, cwd, when, missed: missed === 'run' ? 'run' : 'skip', enabled: enabled === true, createdAt, doneUntil, runs,
    nextRun: typeof nextRun === 'number' && Number.isSafeInteger(nextRun) ? Math.max(next, nextRun) : next,
  }
}

function parseStored(value: unknown): When | undefined {
  if (!isObject(value)) return undefined
  const {cron, timezone, everySeconds} = value
  if (text(cron) && text(timezone)) return {cron, timezone}
  return typeof everySeconds === 'number' && Number.isSafeInteger(everySeconds) && everySeconds > 0 ? {everySeconds} : undefined
}

const states: readonly string[] = ['running', 'exited', 'lost', 'skipped'] satisfies ScheduleRun['state'][]

function parseRun(value: unknown): ScheduleRun | undefined {
  if (!isObject(value)) return undefined
  const {run, state, dueAt, reason, exitStatus} = value
  if (typeof run !== 'number' || !Number.isSafeInteger(run) || run < 1 || !text(state) || !states.includes(state)) return undefined
  const [mark, command] = [parseMark(value['process']), parseMark(value['command'])]
  const times = Object.fromEntries((['lastDueAt', 'startedAt', 'endedAt'] as const).flatMap((key) => (moment(value[key]) ? [[key, value[key]]] : [])))
  return {
    run, state: state as ScheduleRun['state'], dueAt: moment(dueAt) ? dueAt : null, ...times, // it is one of `states`
    ...(reason === 'running' || reason === 'missed' ? {reason} : {}), ...(typeof exitStatus === 'number' ? {exitStatus} : {}), ...(mark ? {process: mark} : {}), ...(command ? {command} : {}),
  }
}
