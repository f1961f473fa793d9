import {CgpuError, ExitCode} from '@cgpu/plugin-sdk'
import type {Again, AgainFlags} from '../again/again.ts'
import {isAddress, openPlace} from '../addresses/address.ts'
import type {Notebook} from '../format/model.ts'
import type {AskedPlugins} from '../hooks/asked.ts'
import {plain} from '../parameters/values.ts'
import {alone} from '../run/alone.ts'
import {perform, type Performed, type PerformOptions} from '../run/perform.ts'
import {prepare, type PrepareFlags} from '../run/prepare.ts'
import {executable} from '../run/run-notebook.ts'
import {keyOf, runKey, stamp} from './done.ts'
import type {SharedTravel} from './shared-travel.ts'
import type {Sources} from './sources.ts'
import {type DueCell, type OpenCopy, type Outcome, type OutcomeStatus, type PlannedRun, setWords} from './run.ts'

export interface RunOneOptions extends Pick<PerformOptions, 'cellTimeoutMs' | 'timeoutMs' | 'startTimeoutMs' | 'reporter' | 'warn' | 'notice' | 'withKernel' | 'signals'> {
  flags: PerformOptions['flags'] & PrepareFlags & AgainFlags
  /** what was given that holds for this run, as words of a command line, but for its places and its set */
  words: readonly string[]
  dataDir: string
  sources: Sources
  travel: SharedTravel
  openCopy: OpenCopy
  /** of other plugins */
  asked: (about: {notebook: string; output: string}) => Promise<AskedPlugins | undefined>
}

/** Reports are no place for megabytes of source. */
const longestSource = 20_000
const cut = (source: string): string => (source.length > longestSource ? `${source.slice(0, longestSource)}…` : source)

/** Runs one of a batch. What goes wrong is told by the outcome. */
export async function runOne(run: PlannedRun, options: RunOneOptions): Promise<Outcome> {
  const {flags, words, dataDir, sources, travel: shared, openCopy, asked: ask, ...rest} = options
  const {notebook: file, output} = run
  const started = performance.now()
  const seen: Partial<Pick<Outcome, 'parameters' | 'due' | 'failed'>> = {}
  try {
    const asked = await ask({notebook: openPlace(file), output: openPlace(output)})
    const remote = run.remote ?? (isAddress(output) ? await openCopy(output) : undefined)
    const travel = await shared.of(run)
    const work = async (): Promise<Performed> => {
      const prepared = await prepare(file, {...flags, given: run.set}, () => {}, asked && ((given, of) => asked.parameters(given, of)), sources.read) // what there is to warn of was said before the first run
      const {notebook} = prepared
      const indices = prepared.selected && new Set(notebook.cells.flatMap(({id}, index) => (prepared.selected?.has(id) ? [index] : [])))
      const due = executable(notebook, {selected: indices, skipTag: flags['skip-tag']})
      seen.parameters = prepared.parameters
      seen.due = due.map(({cell, index}) => ({index, id: cell.id, title: titleOf(cell.source)}))
      const key = asked ? await keyOf(run, flags, sources) : runKey(prepared, flags)
      stamp(notebook, key, 'running')
      const onEnded: PerformOptions['onEnded'] = ({status, failed}) => {
        stamp(notebook, key, status)
        if (failed) seen.failed = {id: failed.id, index: failed.index, source: cut(due.find(({cell}) => cell.id === failed.id)?.cell.source ?? '')}
      }
      return alone(output, dataDir, async () => {
        const again = await againOf(run, {notebook, flags, dataDir, notice: rest.notice})
        const given = {file: openPlace(file), args: [...words, '--out', openPlace(output), ...(run.fetchTo === undefined ? [] : ['--fetch-to', run.fetchTo]), ...setWords(run.set)]}
        const performed = await perform({...prepared, ...rest, flags, output, remote, travel, again, cellHooks: asked?.cells, onEnded, given})
        const left = new Set(again?.selection.filter(({runs}) => !runs).map(({index}) => index))
        seen.due = seen.due?.filter(({index}) => !left.has(index)) ?? []
        return performed
      })
    }
    const {result, failure, traceback} = await (asked ? asked.told(work) : work())
    return {...notBegun(run, result.status), ...seen, ...result, runtime: result.runtime || null, traceback, ...(failure ? {error: failure({})} : {})}
  } catch (thrown) {
    const error = thrown instanceof CgpuError ? thrown : new CgpuError(`a bug in cgpu: ${String(thrown)}`, {code: 'INTERNAL', category: 'internal', exit: ExitCode.internal, cause: thrown})
    return {...notBegun(run, error.code === 'INTERRUPTED' ? 'interrupted' : 'error'), ...seen, exitStatus: error.exit, error, durationSeconds: (performance.now() - started) / 1000}
  }
}

/** For a run that goes by what its copy holds. */
async function againOf({notebook: path, output}: PlannedRun, {notebook, flags, dataDir, notice}: {notebook: Notebook; flags: RunOneOptions['flags']; dataDir: string; notice: (message: string) => void}): Promise<Again | undefined> {
  if (!flags.changed && !flags['from-failed'] && !flags.resume) return undefined
  const {Again: Runs} = await import('../again/again.ts')
  return Runs.of({notebook, path, output, flags, dataDir, cells: executable(notebook, {skipTag: flags['skip-tag']}), notice})
}

/** Of a run that was left out, or has no cells to tell of. */
export const notBegun = (run: PlannedRun, status: OutcomeStatus, reason?: string): Outcome =>
  ({run, status, exitStatus: 0, durationSeconds: 0, runtime: null, kernel: null, parameters: asGiven(run.set), cells: [], due: [], traceback: '', ...(reason === undefined ? {} : {reason})})

const asGiven = (set: PlannedRun['set']): Outcome['parameters'] => Object.fromEntries(Object.entries(set).map(([name, value]) => [name, plain(value)]))

function titleOf(source: string): DueCell['title'] {
  const line = source.split('\n').find((one) => one.trim() !== '')?.trim() ?? ''
  return line.length > 80 ? `${line.slice(0, 79)}…` : line
}
