import {CgpuError, ExitCode} from '@cgpu/plugin-sdk'
import type {AskedPlugins} from '../hooks/asked.ts'
import {plain} from '../parameters/values.ts'
import {alone} from '../run/alone.ts'
import {perform, type Performed, type PerformOptions} from '../run/perform.ts'
import {prepare, type PrepareFlags} from '../run/prepare.ts'
import {executable} from '../run/run-notebook.ts'
import {keyOf, runKey, stamp} from './done.ts'
import {type DueCell, type Outcome, type OutcomeStatus, type PlannedRun, setWords} from './run.ts'

export interface RunOneOptions extends Pick<PerformOptions, 'cellTimeoutMs' | 'timeoutMs' | 'startTimeoutMs' | 'reporter' | 'warn' | 'notice' | 'withKernel' | 'signals'> {
  flags: PerformOptions['flags'] & PrepareFlags
  /** flags that run it again, but for its output and its set */
  words: readonly string[]
  dataDir: string
  /** of other plugins */
  asked: (about: {notebook: string; output: string}) => Promise<AskedPlugins | undefined>
}

/** Reports are no place for megabytes of source. */
const longestSource = 20_000
const cut = (source: string): string => (source.length > longestSource ? `${source.slice(0, longestSource)}…` : source)

/** Runs one of a batch. What goes wrong is told by the outcome. */
export async function runOne(run: PlannedRun, options: RunOneOptions): Promise<Outcome> {
  const {flags, words, dataDir, asked: ask, ...rest} = options
  const {notebook: file, output} = run
  const started = performance.now()
  const seen: Partial<Pick<Outcome, 'parameters' | 'due' | 'failed'>> = {}
  try {
    const asked = await ask({notebook: file, output})
    const work = async (): Promise<Performed> => {
      const prepared = await prepare(file, {...flags, given: run.set}, () => {}, asked && ((given, of) => asked.parameters(given, of))) // what there is to warn of was said before the first run
      const {notebook} = prepared
      const indices = prepared.selected && new Set(notebook.cells.flatMap(({id}, index) => (prepared.selected?.has(id) ? [index] : [])))
      const due = executable(notebook, {selected: indices, skipTag: flags['skip-tag']})
      seen.parameters = prepared.parameters
      seen.due = due.map(({cell, index}) => ({index, id: cell.id, title: titleOf(cell.source)}))
      const key = asked ? await keyOf(run, flags) : runKey(prepared, flags)
      stamp(notebook, key, 'running')
      const onEnded: PerformOptions['onEnded'] = ({status, failed}) => {
        stamp(notebook, key, status)
        if (failed) seen.failed = {id: failed.id, index: failed.index, source: cut(due.find(({cell}) => cell.id === failed.id)?.cell.source ?? '')}
      }
      return alone(output, dataDir, () => perform({...prepared, ...rest, flags, output, cellHooks: asked?.cells, onEnded, given: {file, args: [...words, '--out', output, ...setWords(run.set)]}}))
    }
    const {result, failure, traceback} = await (asked ? asked.told(work) : work())
    return {...notBegun(run, result.status), ...seen, ...result, traceback, ...(failure ? {error: failure({})} : {})}
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
