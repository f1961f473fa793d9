import {diffLines} from 'diff'

/** A line of a difference: of both, of the first text, of the second; `gap`: so many lines of both are left out. */
export type LineChange = {op: ' ' | '-' | '+'; text: string} | {op: 'gap'; count: number}

/** After so long the whole of both is shown instead: texts without a line in common can take minutes. */
const patienceMs = 2000

/** What changed between two texts, with `context` lines around; empty where nothing did. */
export function lineChanges(before: string, after: string, context: number): LineChange[] {
  if (before === after) return []
  const options = {timeout: patienceMs}
  const parts = diffLines(before, after, options) ?? [{value: before, removed: true, added: false}, {value: after, removed: false, added: true}]
  const all = parts.flatMap(({value, added, removed}) => linesOf(value).map((text) => ({op: added ? ('+' as const) : removed ? ('-' as const) : (' ' as const), text})))
  const near = new Set<number>()
  all.forEach(({op}, at) => {
    if (op !== ' ') for (let i = Math.max(0, at - context); i <= Math.min(all.length - 1, at + context); i++) near.add(i)
  })
  const shown: LineChange[] = []
  all.forEach((line, at) => {
    if (near.has(at)) return void shown.push(line)
    const last = shown.at(-1)
    if (last?.op === 'gap') last.count++
    else shown.push({op: 'gap', count: 1})
  })
  return shown
}

const linesOf = (text: string): string[] => (text === '' ? [] : text.replace(/\n$/, '').split('\n'))
