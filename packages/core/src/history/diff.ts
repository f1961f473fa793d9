import {shellLine} from '../text/quote.ts'
import type {HistoryEntry} from './entry.ts'
import {lineDiff, type DiffLine} from './line-diff.ts'

export interface EntryDiff {
  equal: boolean
  /** names of what differs */
  differs: string[]
  /** unified, without headers; empty when equal */
  lines: DiffLine[]
}

/** What two executions are compared by. When they ran, how long they took and on which machine of a kind does not matter. */
function aspects(entry: HistoryEntry): Map<string, string[]> {
  const {command, tail} = entry
  const one = (value: string | number | undefined): string[] => (value === undefined || value === '' ? [] : [String(value)])
  const text = (value: string | undefined): string[] => (value === undefined || value === '' ? [] : value.replace(/\n$/, '').split('\n'))
  return new Map([
    ['kind', one(entry.kind)],
    ['status', one(entry.status)],
    ['exit status', one(entry.exitStatus)],
    ['error', one(entry.code)],
    ['message', text(entry.message)],
    ['provider', one(entry.runtime?.provider ?? entry.spec.provider)],
    ['accelerator', one(entry.accelerator?.id)],
    ['kernel', one(entry.kernel)],
    ['spec', Object.entries(entry.spec).map(([key, value]) => `${key} ${String(value)}`)],
    ['script', one(command.script)],
    ['notebook', one(command.notebook)],
    ['sha256', one(command.sha256)],
    ['arguments', command.args ?? []],
    ['command', one(command.argv && shellLine(command.argv))],
    ['code', text(command.code)],
    ['environment', entry.envNames.toSorted()],
    ['packages', entry.packages ?? []],
    ['requirements', one(entry.requirements)],
    ['outputs', entry.outputs ?? []],
    ['stdout', text(tail?.stdout)],
    ['stderr', text(tail?.stderr)],
  ])
}

export function diffEntries(a: HistoryEntry, b: HistoryEntry): EntryDiff {
  const [left, right] = [aspects(a), aspects(b)]
  const differs = [...left.keys()].filter(key => left.get(key)?.join('\n') !== right.get(key)?.join('\n'))
  const listed = (from: Map<string, string[]>): string[] => differs.flatMap(key => {
    const lines = from.get(key) ?? []
    return lines.length === 0 ? [] : [`${key}:`, ...lines.map(line => `  ${line}`)]
  })
  return {equal: differs.length === 0, differs, lines: differs.length === 0 ? [] : lineDiff(listed(left), listed(right))}
}
