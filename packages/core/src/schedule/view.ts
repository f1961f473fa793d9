import type {Schedule, ScheduleRun} from './record.ts'
import type {Times} from './when.ts'

/** A run as commands show it. */
export interface ScheduleRunView {
  run: number
  /** running, exited, skipped, lost */
  state: string
  /** why it was skipped: `running`, the run before went on; `missed`, nobody was there */
  reason: string | null
  /** null: it was run by hand */
  dueAt: string | null
  /** of several that were skipped in a row, the last */
  lastDueAt: string | null
  startedAt: string | null
  endedAt: string | null
  exitStatus: number | null
  /** who runs it */
  pid: number | null
}

/** A schedule as commands show it. */
export interface ScheduleView {
  id: string
  name: string
  /** enabled, paused */
  state: string
  argv: string[]
  cwd: string
  cron: string | null
  timezone: string | null
  everySeconds: number | null
  missed: string
  createdAt: string
  /** null while it is paused */
  nextAt: string | null
  lastRun: ScheduleRunView | null
}

export interface ViewOptions {
  times: Times
  now: number
  /** the run that goes on; one that only says so is lost */
  running: ScheduleRun | undefined
}

export function viewOf(schedule: Schedule, {times, now, running}: ViewOptions): ScheduleView {
  const {name, argv, cwd, when, missed, enabled, createdAt} = schedule
  // a time that passed and was not run yet is about to be run, or missed: the daemon decides
  const next = enabled ? times.next(Math.max(Date.parse(schedule.doneUntil), now)) : undefined
  const last = schedule.runs[0]
  return {
    id: name, name, state: enabled ? 'enabled' : 'paused', argv, cwd,
    cron: 'cron' in when ? when.cron : null, timezone: 'cron' in when ? when.timezone : null, everySeconds: 'cron' in when ? null : when.everySeconds,
    missed, createdAt, nextAt: next === undefined ? null : new Date(next).toISOString(), lastRun: last ? viewOfRun(last, running) : null,
  }
}

export function viewOfRun({run, state, reason, dueAt, lastDueAt, startedAt, endedAt, exitStatus}: ScheduleRun, running: ScheduleRun | undefined): ScheduleRunView {
  const goesOn = state === 'running' && running?.run === run
  return {
    run, state: state === 'running' && !goesOn ? 'lost' : state, reason: reason ?? null, dueAt, lastDueAt: lastDueAt ?? null, startedAt: startedAt ?? null,
    endedAt: endedAt ?? null, exitStatus: exitStatus ?? null, pid: goesOn ? (running.process?.pid ?? null) : null,
  }
}
