import {CgpuError, ExitCode, type NotebookOutcome} from '@cgpu/plugin-sdk'
import type {NotebookRun} from '../run/run-notebook.ts'

/** How a notebook ended, but for how long it took. */
export type NotebookEnd = Omit<NotebookOutcome, 'durationMs'>

export function endOfRun({status, exitStatus, cells}: Pick<NotebookRun, 'status' | 'exitStatus' | 'cells'>, error: CgpuError | undefined): NotebookEnd {
  return {
    status: error?.code === 'VETOED' ? 'vetoed' : status === 'exited' ? 'ok' : status, exitStatus, cells: cells.length,
    ...(error ? {error: {code: error.code, message: error.message}} : {}),
  }
}

/** Of a run that came to nothing. */
export function endOfFailure(error: unknown, cells = 0): NotebookEnd {
  const {code, message, exit} = error instanceof CgpuError ? error : {code: 'INTERNAL', message: String(error), exit: ExitCode.internal}
  return {status: code === 'VETOED' ? 'vetoed' : exit === ExitCode.interrupted ? 'interrupted' : exit === ExitCode.lost ? 'lost' : 'error', exitStatus: exit, cells, error: {code, message}}
}
