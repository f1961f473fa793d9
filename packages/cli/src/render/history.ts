import type {HistoryEntry} from '@cgpu/core/history/entry'
import type {EntryDiff} from '@cgpu/core/history/diff'
import type {SearchHit} from '@cgpu/core/history/search'
import {formatBytes, formatDuration, formatMoment, formatRelative} from '@cgpu/core/text/format'
import {sanitizeLine} from '@cgpu/core/text/line'
import {shellLine} from '@cgpu/core/text/quote'
import {sanitizeText} from '@cgpu/core/text/terminal'
import {table, tableOptions} from './table.ts'
import {style} from './terminal.ts'

/** What was executed, on one line. */
export function commandText({command: {code, script, notebook, args = [], argv = []}}: HistoryEntry): string {
  if (notebook !== undefined) return shellLine([notebook, ...args])
  if (code !== undefined) return code.split('\n').find((line) => line.trim() !== '') ?? ''
  return shellLine(script === undefined ? argv : [script, ...args])
}

const took = ({durationSeconds}: HistoryEntry): string => (durationSeconds === undefined ? '' : formatDuration(durationSeconds * 1000))
const ended = ({status, code}: HistoryEntry): string => (code === undefined || status === 'ok' || status === 'interrupted' ? status : `${status} ${code}`)

export function historyTable(entries: readonly HistoryEntry[], now: number, options = tableOptions()): string {
  return table(['id', 'kind', 'status', 'started', 'took', 'runtime', 'command'], entries.map((entry) => [
    entry.id, entry.kind, ended(entry), formatRelative(Date.parse(entry.startedAt), now), took(entry), entry.runtime?.name ?? '', sanitizeLine(commandText(entry), 100),
  ]), options)
}

export function historyDetails(entry: HistoryEntry): string {
  const {command, runtime, accelerator, tail, message, traceback} = entry
  const row = (key: string, value: string | number | undefined): [string, string][] => (value === undefined || value === '' ? [] : [[key, String(value)]])
  const list = (values: readonly string[] | undefined): string | undefined => values?.join(', ')
  const at = (time: string | undefined): string | undefined => (time === undefined ? undefined : formatMoment(Date.parse(time)))
  const rows = [
    ...row('id', entry.id), ...row('kind', entry.kind), ...row('status', entry.status), ...row('exit status', entry.exitStatus),
    ...row('error', entry.code === undefined ? undefined : `${entry.code} (${entry.category ?? 'unknown'})`), ...row('message', message),
    ...row('started', at(entry.startedAt)), ...row('ended', at(entry.endedAt)), ...row('took', took(entry)),
    ...row('runtime', runtime && `${runtime.name} (${runtime.provider})`), ...row('accelerator', accelerator?.id), ...row('account', entry.account), ...row('kernel', entry.kernel),
    ...row('folder', entry.cwd), ...row('script', command.script ?? command.file), ...row('notebook', command.notebook), ...row('environment', list(entry.envNames)),
    ...row('packages', list(entry.packages)), ...row('requirements', entry.requirements), ...row('outputs', list(entry.artifacts ?? entry.outputs)),
    ...row('printed', entry.stdoutBytes === undefined ? undefined : `${formatBytes(entry.stdoutBytes)}, errors ${formatBytes(entry.stderrBytes ?? 0)}`),
    ...row('peak memory', entry.peakMemoryBytes === undefined ? undefined : formatBytes(entry.peakMemoryBytes)),
    ...row('cost', entry.cost && `${entry.cost.amount} ${entry.cost.unit}`),
  ]
  const part = (title: string, text: string | undefined): string[] => (text ? [`\n${title}:\n${sanitizeText(text).trimEnd()}`] : [])
  const cut = command.cut ? `, the beginning of ${formatBytes(command.cut.bytes)}` : ''
  return [
    table([], rows),
    ...part(`code${cut}`, command.code), ...part(`command${cut}`, command.code === undefined ? commandText(entry) : undefined),
    ...part('traceback', traceback), ...part('stdout', tail?.stdout), ...part('stderr', tail?.stderr),
  ].join('\n')
}

const shownWidth = 100

/** A line for each hit, with what matches marked. */
export function hitLines(hits: readonly SearchHit[], now: number, options = tableOptions()): string {
  return hits.map(({entry, line, from, to}) => {
    // long lines are shown around what was found
    const start = from > shownWidth / 2 ? from - 20 : 0
    const end = Math.min(line.length, start + Math.max(shownWidth, to - start))
    const text = (a: number, b: number): string => sanitizeLine(line.slice(a, b), 500)
    const when = formatRelative(Date.parse(entry.startedAt), now)
    const marked = `${start > 0 ? '…' : ''}${text(start, from)}${style(text(from, to), 'red', options.colour ?? false)}${text(to, end)}${end < line.length ? '…' : ''}`
    return `${sanitizeLine(entry.id, 64)}  ${ended(entry)}  ${when}  ${marked}`
  }).join('\n')
}

/** As unified diffs look. */
export function diffText(a: HistoryEntry, b: HistoryEntry, {lines}: EntryDiff, options = tableOptions()): string {
  const colour = options.colour ?? false
  const head = (mark: string, entry: HistoryEntry): string => style(`${mark} ${sanitizeLine(entry.id, 64)}  ${formatMoment(Date.parse(entry.startedAt))}  ${took(entry)}`.trimEnd(), 'bold', colour)
  const colours = {'-': 'red', '+': 'green', '@': 'cyan', ' ': undefined} as const
  const shown = lines.map(({mark, text}) => {
    const kind = colours[mark]
    const line = mark === '@' ? `@@ ${text} @@` : `${mark}${sanitizeLine(text, 2000)}`
    return kind ? style(line, kind, colour) : line
  })
  return [head('---', a), head('+++', b), ...shown].join('\n')
}
