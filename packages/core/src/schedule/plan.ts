import type {ProcessMark} from '../state/self.ts'
import type {Schedule, ScheduleRun} from './record.ts'
import type {Times} from './when.ts'

/** A time that passed so long ago counts as missed. Less is a restart, or a lid that was closed for a moment. */
export const graceMs = 3_600_000
/** A clock that goes back further was wrong before; within it, times that were run are not run again. */
const clockBackMs = 3 * 3_600_000
/** so many runs are kept, with their output */
export const keptRuns = 20

export interface Step {
  /** the record as it is to be kept, where that is another one */
  schedule?: Schedule
  /** the time to run now */
  start?: number
  /** when the next look is worth it; undefined: never */
  next?: number
}

/**
 * What there is to do at `now`. Of several times that passed the last one counts, so that there is never a burst: it is run, or,
 * when it is over an hour ago, as the schedule says for missed ones. While a run goes on the next one is skipped.
 */
export function step(given: Schedule, times: Times, now: number, running: boolean): Step {
  if (!given.enabled) return {}
  let done = Date.parse(given.doneUntil)
  const rebased = done - now > clockBackMs
  if (rebased) done = now
  const schedule = rebased ? {...given, doneUntil: iso(now)} : given
  const kept = rebased ? {schedule} : {}
  const due = times.last(done, now)
  if (due === undefined) return {...kept, ...upcoming(times, done)}
  const missed = now - due > graceMs && schedule.missed === 'skip'
  if (!missed && !running) return {...kept, start: due, ...upcoming(times, due)}
  return {schedule: skip(schedule, times, due, missed ? 'missed' : 'running'), ...upcoming(times, due)}
}

function upcoming(times: Times, after: number): {next?: number} {
  const next = times.next(after)
  return next === undefined ? {} : {next}
}

/** Takes a time, so that nobody else does. Undefined: somebody had it, or the schedule is paused. */
export function claim(schedule: Schedule, times: Times, due: number, by: {now: number; process: ProcessMark}): Schedule | undefined {
  const done = Date.parse(schedule.doneUntil)
  if (!schedule.enabled || due <= done) return undefined
  const before = times.last(done, due - 1)
  const earlier = before === undefined ? schedule : skip(schedule, times, before, 'missed')
  return begin({...earlier, doneUntil: iso(due)}, by, due)
}

/** A run begins, by hand where no time is given. Whoever calls holds the schedule's lock: what still counts as running is lost. */
export function begin(schedule: Schedule, {now, process}: {now: number; process: ProcessMark}, due?: number): Schedule {
  const runs = schedule.runs.map((run): ScheduleRun => (run.state === 'running' ? {...run, state: 'lost'} : run))
  return push({...schedule, runs}, {state: 'running', dueAt: due === undefined ? null : iso(due), startedAt: iso(now), process})
}

/** Its command has a process now. */
export function began(schedule: Schedule, run: number, command: ProcessMark): Schedule {
  return {...schedule, runs: schedule.runs.map((one) => (one.run === run ? {...one, command} : one))}
}

/** A run is over. */
export function finish(schedule: Schedule, run: number, end: {now: number; exitStatus: number}): Schedule {
  const runs = schedule.runs.map((one): ScheduleRun => (one.run === run ? {...one, state: 'exited', endedAt: iso(end.now), exitStatus: end.exitStatus} : one))
  return {...schedule, runs}
}

/** All times until `due` are passed over. In a row they are one entry, or they would push the real runs out. */
export function skip(schedule: Schedule, times: Times, due: number, reason: NonNullable<ScheduleRun['reason']>): Schedule {
  const done = Date.parse(schedule.doneUntil)
  // a clock that was set back may have made the time of a run that goes on due again
  if (due <= done || schedule.runs.some(({state, dueAt}) => state === 'running' && dueAt === iso(due))) return schedule
  const [newest, ...older] = schedule.runs
  const doneUntil = iso(due)
  if (newest?.state === 'skipped' && newest.reason === reason) return {...schedule, doneUntil, runs: [{...newest, lastDueAt: iso(due)}, ...older]}
  const first = times.next(done) ?? due
  return push({...schedule, doneUntil}, {state: 'skipped', reason, dueAt: iso(first), ...(first < due ? {lastDueAt: iso(due)} : {})})
}

/** Times that passed while it was paused are not made up for. */
export function enable(schedule: Schedule, enabled: boolean, now: number): Schedule {
  return {...schedule, enabled, ...(enabled && !schedule.enabled ? {doneUntil: iso(now)} : {})}
}

/** What runs is kept, however long ago it began. */
function push(schedule: Schedule, run: Omit<ScheduleRun, 'run'>): Schedule {
  const runs = [{run: schedule.nextRun, ...run}, ...schedule.runs]
  return {...schedule, nextRun: schedule.nextRun + 1, runs: runs.filter(({state}, i) => i < keptRuns || state === 'running')}
}

const iso = (ms: number): string => new Date(ms).toISOString()
