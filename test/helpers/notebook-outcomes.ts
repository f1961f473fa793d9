import {CgpuError} from '@cgpu/plugin-sdk'
import type {Outcome, PlannedRun} from '../../plugins/notebook/src/batch/run.ts'
import type {CellResult} from '../../plugins/notebook/src/run/run-notebook.ts'

/** Runs of a batch that ended in every way, with text that a report must not take for its own. `first`: the one that failed first. */
export function someOutcomes(): {outcomes: Outcome[]; first: Outcome} {
  const planned = (n: number, name: string, more: Partial<PlannedRun> = {}): PlannedRun => ({n, notebook: `${name}.ipynb`, name, folder: '', set: {}, label: `${name}.ipynb`, output: `${name}.out.ipynb`, ...more})
  const cell = (index: number, durationSeconds: number, error?: CellResult['error']): CellResult =>
    ({index, id: String(index), status: error ? 'error' : 'ok', executionCount: index + 1, durationSeconds, ...(error ? {error} : {})})
  const outcome = (run: PlannedRun, more: Partial<Outcome> & Pick<Outcome, 'status'>): Outcome =>
    ({run, exitStatus: 0, durationSeconds: 0, runtime: null, kernel: null, parameters: {}, cells: [], due: [], traceback: '', ...more})
  const ran = {runtime: 'trainer', kernel: 'python3'}
  const first = outcome(planned(2, 'b', {set: {lr: '<2>'}, label: 'b.ipynb lr=<2>', output: 'runs/javascript:"b".ipynb'}), {
    ...ran, status: 'error', exitStatus: 3, durationSeconds: 61.4, parameters: {lr: '<2>'}, failed: {id: '1', index: 1, source: '<script>alert(1)</script>'},
    error: new CgpuError('cell 2 failed: SystemExit: 3', {code: 'CODE_FAILED', category: 'code', exit: 3, fix: 'see the executed copy'}),
    cells: [cell(0, 0.5), cell(1, 60, {name: 'SystemExit', message: '3', traceback: ['\u001B[31mTraceback\u001B[0m <b>']})],
    due: [{index: 0, id: '0', title: 'lr = 1'}, {index: 1, id: '1', title: '<script>alert(1)</script>'}, {index: 2, id: '2', title: 'after()'}],
  })
  return {first, outcomes: [
    outcome(planned(1, 'a'), {
      ...ran, status: 'ok', durationSeconds: 1.25, cells: [cell(0, 0.75), cell(2, 0.25, {name: 'ZeroDivisionError', message: 'division by zero', traceback: ['allowed']})],
      due: [{index: 0, id: '0', title: 'print(1)'}, {index: 2, id: '2', title: '1 / 0'}],
    }),
    first,
    outcome(planned(3, 'c'), {status: 'error', exitStatus: 66, durationSeconds: 0.1, error: new CgpuError('there is no kernel "nope"', {code: 'KERNEL_NOT_FOUND', category: 'kernel', exit: 66, fix: 'cgpu kernel specs'})}),
    outcome(planned(4, 'd'), {status: 'skipped', reason: 'its copy is whole already'}),
    outcome(planned(5, 'e'), {status: 'not-run', reason: 'another run failed'}),
  ]}
}
