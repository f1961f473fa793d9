import {CgpuError, errors, ExitCode} from '../errors.ts'
import type {CellError} from './cell-output.ts'

/** The exit status for a cell's error, as CPython would end with it. */
export function cellExitStatus(error: {name: string; value: string} | undefined, interrupted: boolean): number {
  if (interrupted) return 130
  if (error?.name !== 'SystemExit') return 1
  // sys.exit(): None and 0 are success, an int is the status, anything else is printed and means 1
  if (error.value === '' || error.value === 'None') return 0
  return /^-?\d+$/.test(error.value) ? Number(BigInt.asUintN(8, BigInt(error.value))) : error.value === 'True' ? 1 : error.value === 'False' ? 0 : 1
}

/** Who asked running code to stop. */
export type Stop = 'interrupt' | 'timeout'

export interface FailedCell {
  id: string
  error: CellError | undefined
  /** who asked first, if anybody did */
  stopped: Stop | undefined
  timeoutMs: number | undefined
}

/** How code ended that failed, or was stopped. Throws EXEC_TIMEOUT (130) when its time was over. */
export function failedOutcome({id, error, stopped, timeoutMs}: FailedCell): {status: 'error' | 'interrupted'; exitStatus: number; error?: CellError} {
  const interrupted = stopped !== undefined && (error === undefined || error.name === 'KeyboardInterrupt')
  if (interrupted && stopped === 'timeout') {
    throw errors.interrupted(`the code was interrupted after ${(timeoutMs ?? 0) / 1000} s`, {
      code: 'EXEC_TIMEOUT', category: 'code', fix: 'give it more time with --timeout', details: {id},
    })
  }
  return {status: interrupted ? 'interrupted' : 'error', exitStatus: cellExitStatus(error, interrupted), ...(error ? {error} : {})}
}

/** Nobody can tell how it ended. */
export function outcomeUnknown(runtime: string, id: string): CgpuError {
  return new CgpuError(`the connection to ${runtime} was lost, and how the code ended cannot be told`, {
    code: 'OUTCOME_UNKNOWN', category: 'kernel', exit: ExitCode.lost, fix: 'look at what it left on the machine before you run it again', details: {id},
  })
}
