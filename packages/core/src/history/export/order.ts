import {shellLine} from '../../text/quote.ts'
import {formatDuration, formatMoment} from '../../text/format.ts'
import type {HistoryEntry} from '../entry.ts'

/** Oldest first, as one reads. */
export function inOrder(entries: readonly HistoryEntry[]): HistoryEntry[] {
  return entries.toSorted((a, b) => (a.startedAt < b.startedAt ? -1 : a.startedAt > b.startedAt ? 1 : a.id < b.id ? -1 : 1))
}

/** The program and its arguments as a shell takes them; undefined for code. */
export function programLine({kind, command: {script, args, argv}}: HistoryEntry): string | undefined {
  if (kind === 'shell') return shellLine(['cgpu', 'shell', ...(argv?.length ? ['--', ...argv] : [])])
  if (script !== undefined) return shellLine(['cgpu', 'run', script, ...(args ?? [])])
  return argv ? shellLine(['cgpu', 'run', '--', ...argv]) : undefined
}

/** `2026-11-22 14:44:05, exec on trainer: ok after 1.2 s` */
export function headline({kind, startedAt, runtime, status, code, durationSeconds}: HistoryEntry): string {
  const where = runtime?.name ? ` on ${runtime.name}` : ''
  const after = durationSeconds === undefined ? '' : ` after ${formatDuration(durationSeconds * 1000)}`
  return `${formatMoment(Date.parse(startedAt))}, ${kind}${where}: ${status}${code === undefined ? '' : ` (${code})`}${after}`
}
