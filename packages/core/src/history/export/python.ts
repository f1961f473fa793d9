import type {HistoryEntry} from '../entry.ts'
import {headline, inOrder, programLine} from './order.ts'

/** A script in `# %%` cells, as editors read them. What is no Python is there as a comment. */
export function toPython(entries: readonly HistoryEntry[]): string {
  return inOrder(entries).map(entry => {
    const program = programLine(entry)
    const body = program === undefined ? python(entry.command.code ?? '') : comment(program)
    return `# %% ${headline(entry).replaceAll('\n', ' ')}\n${body.replace(/\n$/, '')}\n`
  }).join('\n')
}

/** IPython's own `%magic` and `!command` lines are no Python. */
function python(code: string): string {
  return code.split('\n').map(line => (/^[%!]/.test(line) ? `# ${line}` : line)).join('\n')
}

const comment = (text: string): string => text.split('\n').map(line => `# ${line}`).join('\n')
