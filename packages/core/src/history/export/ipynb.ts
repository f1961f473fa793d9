import {shellLine} from '../../text/quote.ts'
import type {HistoryEntry} from '../entry.ts'
import {headline, inOrder} from './order.ts'

type Output =
  | {output_type: 'stream'; name: 'stdout' | 'stderr'; text: string[]}
  | {output_type: 'error'; ename: string; evalue: string; traceback: string[]}

/** A notebook (nbformat 4.5) with a cell for each execution. Of outputs it has what the history has: the last of them. */
export function toNotebook(entries: readonly HistoryEntry[]): string {
  const used = new Set<string>()
  const cells = inOrder(entries).map(entry => ({
    cell_type: 'code', execution_count: null, id: cellId(entry.id, used),
    metadata: {cgpu: {id: entry.id, kind: entry.kind, status: entry.status, startedAt: entry.startedAt, runtime: entry.runtime?.name ?? null, headline: headline(entry)}},
    outputs: outputsOf(entry), source: linesOf(sourceOf(entry)),
  }))
  const metadata = {kernelspec: {display_name: 'Python 3', language: 'python', name: 'python3'}, language_info: {name: 'python'}}
  return `${JSON.stringify({cells, metadata, nbformat: 4, nbformat_minor: 5}, null, 1)}\n`
}

/** 1 to 64 of `[a-zA-Z0-9-_]`, each once. */
function cellId(id: string, used: Set<string>): string {
  const plain = id.replaceAll(/[^a-zA-Z0-9_-]/g, '-').slice(0, 56) || 'cell'
  let found = plain
  for (let count = 2; used.has(found); count++) found = `${plain}-${count}`
  used.add(found)
  return found
}

/** A program becomes what does the same in a cell. */
function sourceOf({command: {code, script, args = [], argv}}: HistoryEntry): string {
  if (code !== undefined) return code
  if (script === undefined) return `!${shellLine(argv ?? [])}`
  const starts = script.endsWith('.py') ? ['python', script] : /\.(sh|bash)$/.test(script) ? ['bash', script] : [script.includes('/') ? script : `./${script}`]
  return `!${shellLine([...starts, ...args])}`
}

function outputsOf({tail, status, message = '', code, traceback}: HistoryEntry): Output[] {
  const streams = (['stdout', 'stderr'] as const).flatMap((name): Output[] => (tail?.[name] ? [{output_type: 'stream', name, text: linesOf(tail[name])}] : []))
  if (status === 'ok' || (code === undefined && traceback === undefined)) return streams
  const [, ename = code ?? status, evalue = message] = /^([A-Za-z_][\w.]*): (.*)$/s.exec(message) ?? []
  return [...streams, {output_type: 'error', ename, evalue, traceback: (traceback ?? message).split('\n')}]
}

const linesOf = (text: string): string[] => text.split(/(?<=\n)/).filter(line => line !== '')
