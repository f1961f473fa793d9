import {errors, sanitizeLine} from '@cgpu/plugin-sdk'
import {cellPlaces, openNotebook} from '../edit/file.ts'
import {lineAt} from '../edit/json-text.ts'
import type {Notebook} from '../format/model.ts'
import {type CellVerdict, comparisonsOf, judge} from './judge.ts'
import {runOnce, type RunOnce} from './run-once.ts'
import type {Comparison} from './settings.ts'
import {update} from './update.ts'

export interface TestedCell extends CellVerdict {
  /** of the file, from 1 */
  line: number
}

export interface TestedNotebook {
  notebook: string
  status: 'passed' | 'failed' | 'error'
  durationSeconds: number
  cells: TestedCell[]
  /** why it could not be tested */
  error?: {code: string; message: string}
}

/** Runs the notebook and compares its outputs with those in the file. Throws what kept it from being tested. */
export async function verify(path: string, {common, updates, ...run}: RunOnce & {common: Comparison; updates: boolean}): Promise<TestedNotebook> {
  const started = performance.now()
  const file = await openNotebook(path)
  const comparisons = comparisonsOf(file.notebook, common)
  if (!updates) refuseUnrecorded(file.notebook, path)
  const ran = await runOnce(file.notebook, run)
  const verdicts = await judge(file.notebook, ran, comparisons)
  const taken = updates ? verdicts.filter(({differences}) => differences.length > 0) : []
  const recorded = isRecorded(file.notebook)
  if (taken.length > 0 || (updates && !recorded)) await update(file, ran.notebook, new Set(taken.map(({cell}) => cell - 1)))
  const places = cellPlaces(file.text)
  const cells = verdicts.map((verdict) => ({...(taken.includes(verdict) ? accepted(verdict) : verdict), line: lineAt(file.text, places[verdict.cell - 1]?.start ?? 0)}))
  const status = cells.some((one) => one.status === 'error') ? 'error' : cells.some((one) => one.status === 'failed') ? 'failed' : 'passed'
  return {notebook: path, status, durationSeconds: (performance.now() - started) / 1000, cells}
}

/** New outputs are taken; time that was over its budget stays so. */
function accepted(verdict: CellVerdict): CellVerdict {
  const late = verdict.budgetSeconds !== undefined && verdict.durationSeconds > verdict.budgetSeconds
  return late ? {...verdict, differences: []} : {...verdict, status: 'updated'}
}

const isRecorded = ({cells}: Notebook): boolean => cells.some((cell) => cell.cell_type === 'code' && (cell.outputs.length > 0 || cell.execution_count !== null))

function refuseUnrecorded(notebook: Notebook, path: string): void {
  const name = sanitizeLine(path)
  if (!notebook.cells.some((cell) => cell.cell_type === 'code' && cell.source.trim() !== '')) throw errors.data(`${name} has no code to run`, {code: 'NOTHING_TO_TEST', category: 'file', fix: 'leave it out'})
  if (!isRecorded(notebook)) throw errors.data(`${name} has no outputs to compare with`, {code: 'NO_COMMITTED_OUTPUTS', category: 'file', fix: `cgpu notebook test --update ${name}, which writes them into it`})
}
