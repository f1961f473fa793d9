import type {ScheduleRunView, ScheduleView} from '@cgpu/core/schedule/view'
import {everyText} from '@cgpu/core/schedule/when'
import {formatDuration, formatMoment, formatRelative} from '@cgpu/core/text/format'
import {sanitizeLine} from '@cgpu/core/text/line'
import {shellLine} from '@cgpu/core/text/quote'
import {table} from './table.ts'

const moment = (iso: string | null): string => (iso === null ? '' : formatMoment(Date.parse(iso)))

export const commandLine = ({argv}: Pick<ScheduleView, 'argv'>): string => shellLine(argv)

/** `0 3 * * * (Europe/Berlin)`, `every 6h`. */
export const whenText = ({cron, timezone, everySeconds}: ScheduleView): string => (cron === null ? `every ${everyText(everySeconds ?? 0)}` : `${cron} (${timezone})`)

/** How a run ended, or is. */
export function endOfRun({state, exitStatus, reason, pid}: ScheduleRunView): string {
  if (state === 'skipped') return reason === 'running' ? 'skipped: the run before went on' : 'missed'
  if (state !== 'exited') return pid === null ? state : `${state} (process ${pid})`
  return exitStatus === 0 ? 'ok' : `failed (${exitStatus})`
}

export function schedulesTable(schedules: readonly ScheduleView[], now: number): string {
  return table(['name', 'when', 'next', 'last run', 'ended', 'command'], schedules.map((schedule) => {
    const {name, state, nextAt, lastRun} = schedule
    const next = state === 'paused' ? 'paused' : nextAt === null ? 'never' : formatRelative(Date.parse(nextAt), now)
    const last = lastRun?.startedAt ?? lastRun?.dueAt
    return [name, whenText(schedule), next, last ? formatRelative(Date.parse(last), now) : '', lastRun ? endOfRun(lastRun) : '', sanitizeLine(commandLine(schedule), 60)]
  }))
}

/** Everything about one, and its last runs. */
export function scheduleFacts(schedule: ScheduleView, runs: readonly ScheduleRunView[], now: number): string {
  const {name, state, cwd, createdAt, nextAt, missed} = schedule
  const facts = table([], [
    ['name', name], ['state', state], ['when', whenText(schedule)],
    ...(nextAt === null ? [] : [['next', `${moment(nextAt)} (${formatRelative(Date.parse(nextAt), now)})`]]),
    ['command', `cgpu ${commandLine(schedule)}`], ['folder', cwd], ['missed times', missed === 'run' ? 'run once, afterwards' : 'skipped after an hour'], ['created', moment(createdAt)],
  ])
  if (runs.length === 0) return facts
  return `${facts}\n\n${table(['run', 'due', 'began', 'took', 'ended'], runs.map((run) => [
    String(run.run), run.dueAt === null ? 'by hand' : `${moment(run.dueAt)}${run.lastDueAt === null ? '' : ` to ${moment(run.lastDueAt)}`}`, moment(run.startedAt), took(run, now), endOfRun(run),
  ]))}`
}

function took({state, startedAt, endedAt}: ScheduleRunView, now: number): string {
  if (startedAt === null || (endedAt === null && state !== 'running')) return ''
  return formatDuration(Math.max(0, (endedAt === null ? now : Date.parse(endedAt)) - Date.parse(startedAt)))
}
