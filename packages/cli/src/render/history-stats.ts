import type {HistoryStats, StatRow} from '@cgpu/core/history/stats'
import {formatDuration} from '@cgpu/core/text/format'
import {sanitizeLine} from '@cgpu/core/text/line'
import {table} from './table.ts'

const barWidth = 20
const time = (seconds: number | null): string => (seconds === null ? '' : formatDuration(seconds * 1000))
const rate = ({successRate}: StatRow): string => (successRate === null ? '' : `${Math.round(successRate * 100)} %`)

/** Figures for people, with a bar for each group. */
export function statsText({total, by, groups, topErrors}: HistoryStats): string {
  const most = Math.max(1, ...groups.map(({count}) => count))
  const cells = (row: StatRow): string[] => [String(row.count), rate(row), time(row.totalSeconds), time(row.medianSeconds), time(row.p95Seconds)]
  const bar = ({count}: StatRow): string => '#'.repeat(Math.max(1, Math.round((count / most) * barWidth)))
  const rows = [...groups.map((row) => [sanitizeLine(row.key, 60), ...cells(row), bar(row)]), ['all', ...cells(total), '']]
  const errors = topErrors.length === 0 ? [] : ['', table(['error', 'count', 'the newest'], topErrors.map(({code, count, message}) => [code, String(count), sanitizeLine(message, 80)]))]
  return [table([by, 'count', 'ok', 'time', 'median', 'p95', ''], rows), ...errors].join('\n')
}
