import {CgpuError, errors} from '@cgpu/plugin-sdk'
import {cellPlaces, openNotebook, writeText} from '../edit/file.ts'
import {lineAt} from '../edit/json-text.ts'
import {parseNotebook} from '../format/read.ts'
import {fixed} from './fix.ts'
import {type LintOptions, type Rule, rules} from './rules.ts'

export interface Finding {
  notebook: string
  rule: string
  /** number of the cell, from 1; null: the whole notebook */
  cell: number | null
  /** of the file, from 1 */
  line: number
  message: string
  fixable: boolean
}

export interface Linted {
  /** what is left */
  findings: Finding[]
  /** how many `--fix` mended */
  fixed: number
}

/** Rules chosen by `--rule` (all where none is named) without those of `--ignore`. Throws UNKNOWN_RULE (64). */
export function chosenRules(only: readonly string[], ignored: readonly string[]): Rule[] {
  const unknown = [...only, ...ignored].find((id) => !rules.some((rule) => rule.id === id))
  if (unknown !== undefined) throw errors.usage(`there is no rule ${JSON.stringify(unknown).slice(0, 60)}`, {code: 'UNKNOWN_RULE', fix: `the rules are ${rules.map(({id}) => id).join(', ')}`})
  return rules.filter(({id}) => (only.length === 0 || only.includes(id)) && !ignored.includes(id))
}

/** What the rules find in a notebook. A file that is none is a finding too, of the rule `invalid`. With `fix` the file is mended first. */
export async function lint(path: string, {chosen, fix, ...options}: LintOptions & {chosen: readonly Rule[]; fix: boolean}): Promise<Linted> {
  try {
    const file = await openNotebook(path, {lenient: true})
    const before = chosen.map((rule) => [rule.id, rule.find(file.notebook, options)] as const)
    const text = fix ? fixed(file.text, file.notebook, new Map(before)) : file.text
    if (text === file.text) return {findings: findingsIn(path, file, {chosen, options}), fixed: 0}
    await writeText(path, text)
    const mended = before.filter(([id]) => rules.some((rule) => rule.id === id && rule.fixable)).reduce((sum, [, problems]) => sum + problems.length, 0)
    return {findings: findingsIn(path, {text, notebook: parseNotebook(text, path, {duplicateIds: true})}, {chosen, options}), fixed: mended}
  } catch (error) {
    if (!(error instanceof CgpuError) || (error.exit !== 65 && error.exit !== 66)) throw error
    return {findings: [{notebook: path, rule: 'invalid', cell: null, line: 1, message: error.message, fixable: false}], fixed: 0}
  }
}

function findingsIn(path: string, {text, notebook}: {text: string; notebook: ReturnType<typeof parseNotebook>}, {chosen, options}: {chosen: readonly Rule[]; options: LintOptions}): Finding[] {
  const found = chosen.flatMap((rule) => rule.find(notebook, options).map((problem) => ({rule, ...problem})))
  if (found.length === 0) return []
  const places = cellPlaces(text)
  return found
    .map(({rule, cell, message}) => ({notebook: path, rule: rule.id, cell: cell === undefined ? null : cell + 1, line: cell === undefined ? 1 : lineAt(text, places[cell]?.start ?? 0), message, fixable: rule.fixable}))
    .sort((a, b) => (a.cell ?? 0) - (b.cell ?? 0))
}
