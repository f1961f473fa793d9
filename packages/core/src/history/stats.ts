import type {HistoryEntry} from './entry.ts'

export const statGroups = ['day', 'runtime', 'status', 'category', 'code'] as const
export type StatGroup = (typeof statGroups)[number]

export interface StatRow {
  /** of the group; `all` for the whole */
  key: string
  count: number
  ok: number
  failed: number
  /** of those that ended; null: none did */
  successRate: number | null
  totalSeconds: number
  medianSeconds: number | null
  p95Seconds: number | null
}

export interface HistoryStats {
  total: StatRow
  by: StatGroup
  groups: StatRow[]
  /** the most frequent reasons of failure */
  topErrors: {code: string; count: number; message: string}[]
}

interface Sums {
  count: number
  ok: number
  failed: number
  durations: number[]
}

/** Counts executions: how many, how they ended, how long they took. Days are of this machine's time zone, newest first; other groups largest first. */
export function statsOf(entries: Iterable<HistoryEntry>, by: StatGroup): HistoryStats {
  const total = fresh()
  const groups = new Map<string, Sums>()
  const failures = new Map<string, {count: number; message: string}>()
  for (const entry of entries) {
    count(total, entry)
    const key = keyOf(entry, by)
    if (key !== undefined) count(existing(groups, key, fresh), entry)
    if (entry.status === 'ok' || entry.code === undefined) continue
    const failure = existing(failures, entry.code, () => ({count: 0, message: entry.message ?? ''}))
    failure.count++
  }
  const rows = [...groups].map(([key, sums]) => rowOf(key, sums))
  rows.sort(by === 'day' ? (a, b) => (a.key < b.key ? 1 : -1) : (a, b) => b.count - a.count || (a.key < b.key ? -1 : 1))
  const topErrors = [...failures].map(([code, failure]) => ({code, ...failure})).sort((a, b) => b.count - a.count).slice(0, 5)
  return {total: rowOf('all', total), by, groups: rows, topErrors}
}

const fresh = (): Sums => ({count: 0, ok: 0, failed: 0, durations: []})

function existing<T>(map: Map<string, T>, key: string, make: () => T): T {
  const found = map.get(key) ?? make()
  map.set(key, found)
  return found
}

function count(sums: Sums, {status, durationSeconds}: HistoryEntry): void {
  sums.count++
  if (status === 'ok') sums.ok++
  else if (status === 'error' || status === 'lost') sums.failed++
  if (durationSeconds !== undefined) sums.durations.push(durationSeconds)
}

function keyOf(entry: HistoryEntry, by: StatGroup): string | undefined {
  switch (by) {
    case 'day': return dayOf(new Date(entry.startedAt))
    case 'runtime': return entry.runtime?.name || '(none)'
    case 'status': return entry.status
    case 'category': return entry.category
    case 'code': return entry.code
  }
}

function dayOf(at: Date): string {
  const two = (value: number): string => String(value).padStart(2, '0')
  return `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}`
}

function rowOf(key: string, {count: all, ok, failed, durations}: Sums): StatRow {
  const sorted = durations.toSorted((a, b) => a - b)
  return {
    key, count: all, ok, failed, successRate: ok + failed === 0 ? null : ok / (ok + failed), totalSeconds: sorted.reduce((sum, one) => sum + one, 0),
    medianSeconds: quantile(sorted, 0.5), p95Seconds: quantile(sorted, 0.95),
  }
}

/** The nearest rank: a value that was really there. */
function quantile(sorted: readonly number[], part: number): number | null {
  return sorted[Math.max(0, Math.ceil(sorted.length * part) - 1)] ?? null
}
