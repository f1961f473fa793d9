import {CgpuError, ExitCode, sanitizeLine} from '@cgpu/plugin-sdk'
import type {Selected} from '../again/again.ts'
import {openPlace} from '../addresses/address.ts'
import type {CellResult} from '../run/run-notebook.ts'
import {type Outcome, type OutcomeStatus, succeeded} from './run.ts'

/** One run of a batch, as `--json` prints it. */
export interface BatchRun {
  n: number
  notebook: string
  /** where the executed copy is, if the run got so far */
  output: string
  /** null: it was skipped or not begun */
  runtime: string | null
  kernel: string | null
  /** `skipped`: its copy is whole already; `not-run`: the batch was over before its turn */
  status: OutcomeStatus
  exitStatus: number
  durationSeconds: number
  parameters: Record<string, unknown>
  cells: CellResult[]
  /** as of one notebook: which cells ran and which did not, where not all had to */
  selection?: Selected[]
  /** why it did not succeed */
  error?: {code: string; message: string; fix: string | null}
}

export interface BatchResult {
  status: 'ok' | 'error' | 'interrupted'
  /** that of the run that failed first, in time */
  exitStatus: number
  durationSeconds: number
  counts: {ok: number; failed: number; skipped: number; notRun: number}
  runs: BatchRun[]
  /** paths of the reports */
  junit?: string
  html?: string
}

export interface BatchEnd {
  outcomes: readonly Outcome[]
  /** the run that failed first, in time */
  first: Outcome | undefined
  /** of the signal that ended it */
  signalStatus: number | undefined
  durationSeconds: number
  junit?: string | undefined
  html?: string | undefined
}

export function batchResult({outcomes, first, signalStatus, durationSeconds, junit, html}: BatchEnd): BatchResult {
  const count = (...statuses: OutcomeStatus[]): number => outcomes.filter(({status}) => statuses.includes(status)).length
  const counts = {ok: count('ok', 'exited'), failed: count('error', 'interrupted', 'lost'), skipped: count('skipped'), notRun: count('not-run')}
  const failed = counts.failed > 0 || counts.notRun > 0
  return {
    status: signalStatus !== undefined ? 'interrupted' : failed ? 'error' : 'ok',
    exitStatus: signalStatus ?? (failed ? (first?.exitStatus || ExitCode.lost) : 0),
    durationSeconds, counts, runs: outcomes.map(runOf),
    ...(junit === undefined ? {} : {junit}), ...(html === undefined ? {} : {html}),
  }
}

function runOf({run: {n, notebook, output}, runtime, kernel, status, exitStatus, durationSeconds, parameters, cells, selection, error}: Outcome): BatchRun {
  return {
    n, notebook: openPlace(notebook), output: openPlace(output), runtime, kernel, status, exitStatus, durationSeconds, parameters, cells, ...(selection ? {selection} : {}),
    ...(error ? {error: {code: error.code, message: error.message, fix: error.fix ?? null}} : {}),
  }
}

/** What the command throws where a batch did not succeed; the result is in its details. */
export function batchFailure(result: BatchResult, first: Outcome | undefined): CgpuError | undefined {
  if (result.status === 'ok') return undefined
  const {counts: {ok, failed, skipped, notRun}} = result
  const total = ok + failed + skipped + notRun
  const details = {...result}
  const rest = notRun > 0 ? `, ${notRun} not run` : ''
  if (result.status === 'interrupted') {
    return new CgpuError(`the batch was interrupted: ${ok + skipped} of ${total} done${rest}`, {code: 'INTERRUPTED', category: 'runtime', exit: result.exitStatus, fix: 'go on with the same command and --skip-done', details})
  }
  const why = first?.error ? `; first ${sanitizeLine(first.run.label, 200)}: ${first.error.message}` : ''
  return new CgpuError(`${failed} of ${total} runs failed${rest}${why}`, {code: 'BATCH_FAILED', category: first?.error?.category ?? 'code', exit: result.exitStatus, fix: 'see the copies; the same command with --skip-done runs again what did not succeed', details})
}

export const cellsText = ({cells, due}: Outcome): string => `${cells.filter(({status}) => status === 'ok').length}/${due.length}`

/** Whether it counts as a failure of its own: what another's failure ended does not. */
export const failedItself = (outcome: Outcome, stopped: boolean): boolean => !succeeded(outcome) && outcome.status !== 'not-run' && !(stopped && outcome.status === 'interrupted')
