import {type CodeCell, type Notebook, tagsOf} from '../format/model.ts'
import type {CellResult} from '../run/run-notebook.ts'
import {compareOutputs, type Difference} from './compare-outputs.ts'
import {type Comparison, forCell} from './settings.ts'

export interface CellVerdict {
  /** of all cells, from 1 */
  cell: number
  id: string
  /** `failed`: its outputs differ or it took too long; `error`: it failed itself; `skipped`: nothing was compared; `updated`: they differed, and were taken */
  status: 'passed' | 'failed' | 'error' | 'skipped' | 'updated'
  /** why, where it did not pass */
  message?: string
  durationSeconds: number
  budgetSeconds?: number
  differences: Difference[]
  error?: CellResult['error']
}

/** The settings of all code cells, by index: what is wrong with them is told before anything runs. */
export function comparisonsOf({cells}: Notebook, common: Comparison): Map<number, Comparison> {
  return new Map(cells.flatMap((cell, index) => (cell.cell_type === 'code' ? [[index, forCell(common, cell, index + 1)] as const] : [])))
}

export interface Ran {
  notebook: Notebook
  /** of the cells that ran */
  cells: readonly CellResult[]
  /** index of the one that ended it before its end */
  endedBy: number | undefined
  /** which did so by sys.exit(), with success */
  exited: boolean
}

/** A verdict for every code cell that is not blank. */
export async function judge(committed: Notebook, {notebook, cells, endedBy, exited}: Ran, comparisons: ReadonlyMap<number, Comparison>): Promise<CellVerdict[]> {
  const results = new Map(cells.map((result) => [result.index, result]))
  const verdicts: CellVerdict[] = []
  for (const [index, cell] of notebook.cells.entries()) {
    const [before, comparison, result] = [committed.cells[index], comparisons.get(index), results.get(index)]
    if (cell.cell_type !== 'code' || before?.cell_type !== 'code' || !comparison || cell.source.trim() === '') continue
    const common = {cell: index + 1, id: cell.id, durationSeconds: result?.durationSeconds ?? 0, differences: [], ...(comparison.budgetMs === undefined ? {} : {budgetSeconds: comparison.budgetMs / 1000})}
    verdicts.push(result ? {...common, ...(await verdictOf(before, cell, {comparison, result, mayFail: exited && index === endedBy}))} : {...common, ...unrun(before, endedBy)})
  }
  return verdicts
}

type Verdict = Pick<CellVerdict, 'status'> & Partial<Pick<CellVerdict, 'message' | 'differences' | 'error'>>

async function verdictOf(before: CodeCell, after: CodeCell, {comparison, result, mayFail}: {comparison: Comparison; result: CellResult; mayFail: boolean}): Promise<Verdict> {
  const {error, status} = result
  const expected = mayFail || tagsOf(before).includes('raises-exception') || before.outputs.some((output) => output.output_type === 'error')
  if (status === 'interrupted') return {status: 'error', message: 'it was interrupted: its time was over', ...(error ? {error} : {})}
  if (status !== 'ok' && !expected) return {status: 'error', message: error ? `${error.name}: ${error.message}` : `it was ${status}`, ...(error ? {error} : {})}
  const differences = comparison.skip ? [] : await compareOutputs(before.outputs, after.outputs, comparison)
  const late = comparison.budgetMs !== undefined && result.durationSeconds * 1000 > comparison.budgetMs
  const messages = [...differences.map(({message}) => message), ...(late ? [`it took ${result.durationSeconds.toFixed(2)} s, and ${(comparison.budgetMs ?? 0) / 1000} s is its budget`] : [])]
  if (messages.length > 0) return {status: 'failed', message: messages.join('; '), differences}
  return comparison.skip ? {status: 'skipped', message: 'it is not to be compared'} : {status: 'passed'}
}

function unrun(before: CodeCell, endedBy: number | undefined): Verdict {
  if (endedBy === undefined) return {status: 'skipped', message: 'it is not to be run'}
  const message = `it was not run: cell ${endedBy + 1} ended the notebook`
  return {status: before.outputs.length > 0 ? 'failed' : 'skipped', message}
}
