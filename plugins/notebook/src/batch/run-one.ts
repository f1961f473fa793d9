import {CgpuError, ExitCode} from '@cgpu/plugin-sdk'
import type {AskedPlugins} from '../hooks/asked.ts'
import {plain} from '../parameters/values.ts'
import {alone} from '../run/alone.ts'
import {perform, type Performed, type PerformOptions} from '../run/perform.ts'
import {prepare, type PrepareFlags} from '../run/prepare.ts'
import {executable} from '../run/run-notebook.ts'
import {runKey, stamp} from './done.ts'
import type {DueCell, Outcome, OutcomeStatus, PlannedRun} from './run.ts'

export interface RunOneOptions extends Pick<PerformOptions, 'cellTimeoutMs' | 'timeoutMs' | 'startTimeoutMs' | 'reporter' | 'warn' | 'withKernel' | 'signals'> {
  flags: PerformOptions['flags'] & PrepareFlags
  dataDir: string
  /** of other plugins */
  asked: (about: {notebook: string; output: string}) => Promise<AskedPlugins | undefined>
}

/** Reports are no place for megabytes of source. */
const longestSource = 20_000

/** Runs one of a batch. What goes wrong is told by the outcome. */
export async function runOne(run: PlannedRun, options: RunOneOptions): Promise<Outcome> {
  const {flags, dataDir, asked: ask, ...rest} = options
  const started = performance.now()
  const seen: Partial<Pick<Outcome, 'parameters' | 'due'>> = {}
  try {
    const asked = await ask({notebook: run.notebook, output: run.output})
    let due: ReturnType<typeof executable> = []
    const work = async (): Promise<Performed> => {
      const prepared = await prepare(run.notebook, {...flags, given: run.set}, () => {}, asked && ((given, of) => asked.parameters(given, of))) // what there is to warn of was said before the first run
      const {notebook} = prepared
      const indices = prepared.selected && new Set(notebook.cells.flatMap(({id}, index) => (prepared.selected?.has(id) ? [index] : [])))
      due = executable(notebook, {selected: indices, skipTag: flags['skip-tag']})
      seen.parameters = prepared.parameters
      seen.due = due.map(({cell, index}) => ({index, id: cell.id, title: titleOf(cell.source)}))
      const key = runKey(prepared, flags)
      stamp(notebook, key, 'running')
      return alone(run.output, dataDir, () => perform({...prepared, ...rest, flags, notice: rest.warn, cellHooks: asked?.cells, output: run.output, onEnded: ({status}) => stamp(notebook, key, status)}))
    }
    const {result, failure, traceback} = await (asked ? asked.told(work) : work())
    const failed = failure && due.find(({cell}) => cell.id === result.cells.at(-1)?.id)?.cell.source
    return {
      ...notBegun(run, result.status), ...seen, ...result, traceback,
      ...(failure ? {error: failure({})} : {}),
      ...(failed === undefined ? {} : {failedSource: failed.length > longestSource ? `${failed.slice(0, longestSource)}…` : failed}),
    }
  } catch (thrown) {
    const error = thrown instanceof CgpuError ? thrown : new CgpuError(`a bug in cgpu: ${String(thrown)}`, {code: 'INTERNAL', category: 'internal', exit: ExitCode.internal, cause: thrown})
    return {...notBegun(run, error.code === 'INTERRUPTED' ? 'interrupted' : 'error'), ...seen, exitStatus: error.exit, error, durationSeconds: (performance.now() - started) / 1000}
  }
}

/** Of a run that was left out, or has no cells to tell of. */
export const notBegun = (run: PlannedRun, status: OutcomeStatus, reason?: string): Outcome =>
  ({run, status, exitStatus: 0, durationSeconds: 0, runtime: null, kernel: null, parameters: asGiven(run.set), cells: [], due: [], traceback: '', ...(reason === undefined ? {} : {reason})})

const asGiven = (set: PlannedRun['set']): Outcome['parameters'] => Object.fromEntries(Object.entries(set).map(([name, value]) => [name, plain(value)]))

function titleOf(source: string): DueCell['title'] {
  const line = source.split('\n').find((one) => one.trim() !== '')?.trim() ?? ''
  return line.length > 80 ? `${line.slice(0, 79)}…` : line
}
