import {CgpuError, errors, ExitCode, sanitizeLine} from '@cgpu/plugin-sdk'
import {shownPlace} from '../addresses/address.ts'
import type {NotebookRun} from './run-notebook.ts'

export interface FailureContext {
  /** where the copy is */
  output: string
  cellTimeout: string | undefined
  timeout: string | undefined
  /** of the signal that ended it */
  signalStatus: number | undefined
  details: Record<string, unknown>
}

/** Why a run that did not succeed did not, as an error with its exit status. */
export function failureOf(run: NotebookRun, {output, cellTimeout, timeout, signalStatus, details}: FailureContext): CgpuError {
  const number = run.failed && run.failed.index + 1
  const where = number === undefined ? 'the notebook' : `cell ${number}`
  const copy = output === '-' ? 'what it printed so far is on stdout' : `see the executed copy: ${shownPlace(output)}`
  if (run.cause) {
    const {message, code, category, exit, fix, retryable} = run.cause
    return new CgpuError(`${where}: ${message}`, {code, category, exit, retryable, fix: fix === undefined ? copy : `${fix}; ${copy}`, details, cause: run.cause})
  }
  if (run.stopped === 'cell-timeout') return errors.interrupted(`${where} was interrupted after ${cellTimeout}`, {code: 'CELL_TIMEOUT', category: 'code', fix: `give it more time with --cell-timeout; ${copy}`, details})
  if (run.stopped === 'timeout') return errors.interrupted(`${where} was interrupted: the notebook's time of ${timeout} was over`, {code: 'NOTEBOOK_TIMEOUT', category: 'code', fix: `give it more time with --timeout; ${copy}`, details})
  if (run.status === 'interrupted') return new CgpuError(`${where} was interrupted`, {code: 'INTERRUPTED', category: 'runtime', exit: signalStatus ?? ExitCode.interrupted, fix: copy, details})
  if (run.status === 'lost') return errors.lost(`the connection was lost, and how ${where} ended cannot be told`, {code: 'OUTCOME_UNKNOWN', category: 'kernel', fix: `look at what it left on the machine before you run it again; ${copy}`, details})
  const {name = 'error', message = ''} = run.failed?.error ?? {}
  const fix = name === 'StdinNotImplementedError' ? `answer input() from stdin with --stdin; ${copy}` : copy
  return new CgpuError(`${where} failed: ${sanitizeLine(message === '' ? name : `${name}: ${message}`, 300)}`, {code: 'CODE_FAILED', category: 'code', exit: run.exitStatus, fix, details})
}
