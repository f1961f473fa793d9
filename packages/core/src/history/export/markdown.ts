import {stripVTControlCharacters} from 'node:util'
import type {HistoryEntry} from '../entry.ts'
import {headline, inOrder, programLine} from './order.ts'

/** A report for people: a section for each execution. */
export function toMarkdown(entries: readonly HistoryEntry[]): string {
  return `${['# cgpu history', ...inOrder(entries).map(section)].join('\n\n')}\n`
}

function section(entry: HistoryEntry): string {
  const {id, command, tail, message, traceback, envNames} = entry
  const program = programLine(entry)
  const parts = [
    `## ${headline(entry)}`,
    [`id ${id}`, ...(envNames.length > 0 ? [`environment ${envNames.join(', ')}`] : []), ...(entry.packages?.length ? [`packages ${entry.packages.join(', ')}`] : [])].map(line => `- ${line}`).join('\n'),
    program === undefined ? fenced(command.code ?? '', 'python') : fenced(program, 'sh'),
  ]
  for (const [name, text] of [['Output', tail?.stdout], ['Errors', tail?.stderr], ['Failure', traceback ?? message]] as const) {
    if (text) parts.push(`${name}:`, fenced(stripVTControlCharacters(text), 'text'))
  }
  return parts.join('\n\n')
}

/** A block whose fence is longer than any inside. */
function fenced(text: string, language: string): string {
  const longest = Math.max(2, ...(text.match(/`+/g) ?? []).map(run => run.length))
  const fence = '`'.repeat(longest + 1)
  return `${fence}${language}\n${text.replace(/\n$/, '')}\n${fence}`
}
