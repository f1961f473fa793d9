import {realpath} from 'node:fs/promises'
import {CgpuError, errors, type KeepRequest, type OwnKernel, sanitizeLine} from '@cgpu/plugin-sdk'
import {type CodeCell, isRecord, type Notebook} from '../format/model.ts'
import {readNotebook} from '../format/read.ts'
import {languageOf} from '../parameters/said-language.ts'
import {stateOf} from '../run/alone.ts'
import type {NotebookRun} from '../run/run-notebook.ts'
import {widgetMime} from '../run/widgets.ts'
import {choose, type Choice} from './choose.ts'
import {type Executed, executedCells, takeOver} from './former.ts'
import {type Kept, KeptKernels} from './kept-kernels.ts'
import type {Mode} from './plan.ts'
import {keepKernel, type KernelRecord, kernelRecordOf} from './record.ts'

export interface AgainFlags {
  changed?: boolean
  'from-failed'?: boolean
  resume?: boolean
  'keep-kernel'?: boolean
  /** the kernel ends with it */
  watch?: boolean
  'fresh-kernel'?: boolean
  kernel?: string | undefined
  cwd?: string | undefined
}

/** What was decided about a cell, and why. */
export interface Selected {
  /** of all cells, from 0 */
  index: number
  id: string
  runs: boolean
  reason: string
}

export interface AgainOptions {
  notebook: Notebook
  /** its path */
  path: string
  /** where the executed copy is, and will be */
  output: string
  /** those that a run of everything executes, in order */
  cells: readonly {cell: CodeCell; index: number}[]
  flags: AgainFlags
  dataDir: string
  notice: (message: string) => void
}

function modeOf(flags: AgainFlags): Mode | undefined {
  return flags.changed ? 'changed' : flags['from-failed'] ? 'failed' : flags.resume ? 'resume' : undefined
}

/** A run that goes by what the executed copy holds, or works on a kernel that is kept, or both. */
export class Again {
  readonly #options: AgainOptions
  readonly #mode: Mode | undefined
  readonly #kept: KeptKernels
  readonly #entries: readonly Kept[]
  readonly #copy: Notebook | undefined
  /** what the copy says of the kernel that may be used again */
  readonly #record: KernelRecord | undefined
  readonly #executed: readonly Executed[]
  /** with the kept kernel, and without */
  readonly #choices: {again?: Choice | undefined; fresh?: Choice | undefined}
  #chosen: Choice | undefined
  /** what was decided, once it was; empty: everything runs */
  selection: Selected[] = []

  private constructor(options: AgainOptions, rest: {kept: KeptKernels; entries: readonly Kept[]; copy?: Notebook | undefined; executed: readonly Executed[]; record?: KernelRecord | undefined; choices: {again?: Choice | undefined; fresh?: Choice | undefined}}) {
    this.#options = options
    this.#mode = modeOf(options.flags)
    this.#kept = rest.kept
    this.#entries = rest.entries
    this.#copy = rest.copy
    this.#executed = rest.executed
    this.#record = rest.record
    this.#choices = rest.choices
  }

  /** Throws USAGE (64) where there is no place for a copy. */
  static async of(options: AgainOptions): Promise<Again> {
    const {flags, output, notebook, dataDir, notice} = options
    if (output === '-') throw errors.usage('a copy that is printed cannot be gone by later', {code: 'USAGE', fix: 'give it a file with -o'})
    const mode = modeOf(flags)
    const kept = new KeptKernels(`${await stateOf(output, dataDir)}.kernels.json`)
    const entries = flags['keep-kernel'] ? await kept.list() : []
    if (mode === undefined) return new Again(options, {kept, entries, executed: [], choices: {}})
    const copy = await copyAt(options)
    const executed = copy ? executedCells(copy, {same: await isSame(options.path, output)}) : []
    if (mode === 'failed' && copy && executed.every(({state}) => state === 'finished')) notice('no cell failed in the executed copy')
    const said = copy && kernelRecordOf(copy)
    const record = said && usable(said, entries, options) ? said : undefined
    const input = {notebook, cells: options.cells.map(({cell}) => cell), executed, mode, kernelName: flags.kernel}
    const again = record && (await choose({...input, kernel: record.id, pending: record.pending}))
    if (again && again.leftover.length > 0) notice(`a cell that is gone had set ${sanitizeLine(again.leftover.join(', '), 200)}: only a fresh kernel is without it`)
    const fits = again && again.leftover.length === 0
    return new Again(options, {
      kept, entries, copy, executed, record: fits ? record : undefined,
      choices: {again: fits ? again : undefined, fresh: await choose({...input, kernel: undefined, pending: []})},
    })
  }

  /** Nothing has to run: no kernel is needed. */
  get idle(): boolean {
    const {again, fresh} = this.#choices
    const choice = again ?? fresh
    return choice !== undefined && choice.cells.every(({run}) => !run)
  }

  /** For the kernel. */
  get keep(): KeepRequest | undefined {
    const {flags} = this.#options
    if (!flags['keep-kernel']) return undefined
    const all = this.#entries.map(({runtime, kernel}) => ({runtime, kernel}))
    if (flags['fresh-kernel']) return {end: all}
    if (this.#mode === undefined) {
      const fits = (kernel: string): boolean => this.#entries.some((one) => one.kernel === kernel && isAsked(one, this.#options))
      return {again: all.filter(({kernel}) => fits(kernel)), end: all.filter(({kernel}) => !fits(kernel))}
    }
    const record = this.#record
    const begun = this.#executed.some(({state}) => state === 'unfinished')
    const executions = record && [record.count, ...(begun ? [record.count + 1] : [])]
    return {
      again: all.filter(({kernel}) => kernel === record?.id).map((one) => ({...one, ...(executions ? {executions} : {})})),
      end: all.filter(({kernel}) => kernel !== record?.id),
    }
  }

  /** Cells that may run, whichever kernel it will be; undefined: all. */
  get mayRun(): Set<number> | undefined {
    const {again, fresh} = this.#choices
    if (!fresh) return undefined
    return new Set(this.#options.cells.flatMap(({index}, at) => (fresh.cells[at]?.run || again?.cells[at]?.run ? [index] : [])))
  }

  /** The kernel is there, or none is needed: decides, takes over what is not run, and says so. Gives the indices of the cells to run; undefined: all. */
  async decide(kernel?: OwnKernel): Promise<Set<number> | undefined> {
    const {notebook, cells, flags, notice} = this.#options
    if (kernel && flags['keep-kernel']) await this.#remember(kernel)
    const {again, fresh} = this.#choices
    const choice = kernel && kernel.kept !== 'again' ? fresh : (again ?? fresh)
    if (!choice) return undefined
    this.#chosen = choice
    const due = new Set<number>()
    cells.forEach(({cell, index}, at) => {
      const {run, why} = choice.cells[at] ?? {run: true, why: ''}
      this.selection.push({index, id: cell.id, runs: run, reason: why})
      notice(`cell ${index + 1}: ${run ? 'runs' : 'skipped'}, ${why}`)
      const former = choice.pairing.of.get(cell.id)
      if (run) due.add(index)
      else if (former) takeOver(cell, former)
    })
    const said = this.#copy && kernelRecordOf(this.#copy)
    if (this.#copy) keepKernel(notebook, said && {...said, pending: choice === again ? choice.after : said.pending})
    for (const key of ['widgets', 'language_info'] as const) if (this.#copy?.metadata[key] !== undefined) notebook.metadata[key] = this.#copy.metadata[key]
    if (kernel && choice.halfDone.length > 0) {
      const names = choice.halfDone.includes('*') ? 'what it uses' : choice.halfDone.join(', ')
      notice(`the cell to begin with had begun in this kernel before, and may have changed ${sanitizeLine(names, 200)} already; --changed runs what sets that, too`)
    }
    return due
  }

  /** For the copy, where a kernel is kept. */
  recordFor(kernel: OwnKernel): KernelRecord | undefined {
    if (!this.#options.flags['keep-kernel']) return undefined
    if (kernel.kept !== 'again') return {id: kernel.id, count: 0, pending: []}
    // a run of chosen cells on a kernel that has seen others says nothing of the rest
    return {id: kernel.id, count: this.#record?.count ?? 0, pending: this.#chosen?.pending ?? ['*']}
  }

  /** Names that are uncertain in the kernel when all that was decided ran. */
  get after(): string[] {
    return this.#chosen?.after ?? []
  }

  async ended(run: NotebookRun, kernel: OwnKernel): Promise<void> {
    const {notebook, flags, notice} = this.#options
    if (run.status === 'lost' && flags['keep-kernel']) await this.#kept.drop(kernel.id)
    // one that ends with --watch is nobody's to end
    else if (flags['keep-kernel'] && !flags.watch) notice(`the kernel ${kernel.id.slice(0, 8)} is left running on ${sanitizeLine(kernel.runtime.name)}; end it: cgpu kernel shutdown ${kernel.id.slice(0, 8)} -r ${sanitizeLine(kernel.runtime.name)}`)
    mergeWidgets(notebook, this.#copy)
  }

  async #remember(kernel: OwnKernel): Promise<void> {
    const {flags, notice} = this.#options
    const why = {again: undefined, gone: 'is gone', used: 'was used by somebody else since', busy: 'does not answer'}[kernel.kept ?? 'again']
    if (why !== undefined) notice(`the kept kernel ${why}: this one is fresh`)
    const {id: runtime, name: runtimeName} = kernel.runtime
    await this.#kept.put({runtime, runtimeName, kernel: kernel.id, spec: flags.kernel ?? languageOf(this.#options.notebook).kernel ?? null, cwd: flags.cwd ?? null})
  }
}

/** The executed copy, as it is; undefined where there is none to go by. */
async function copyAt({output, notebook, flags, notice}: AgainOptions): Promise<Notebook | undefined> {
  const all = (why: string): undefined => {
    notice(`${why}: everything runs`)
    return undefined
  }
  let copy: Notebook
  try {
    copy = await readNotebook(output)
  } catch (error) {
    if (!(error instanceof CgpuError)) throw error
    return all(error.exit === 66 ? `there is no executed copy yet (${sanitizeLine(output)})` : `the executed copy cannot be gone by (${error.message})`)
  }
  const [then, now] = [languageOf(copy).kernel, flags.kernel ?? languageOf(notebook).kernel]
  if (then !== undefined && now !== undefined && then !== now && copy.cells.some((cell) => isRecord(cell.metadata['cgpu']))) return all(`the copy was made by the kernel ${sanitizeLine(then, 60)}`)
  return copy
}

/** Whether the kept kernel may hold what the copy says. */
function usable({id, pending}: KernelRecord, entries: readonly Kept[], options: AgainOptions): boolean {
  const {flags, notice} = options
  if (flags['fresh-kernel'] || !entries.some((one) => one.kernel === id && isAsked(one, options))) return false
  if (!pending.includes('*')) return true
  notice('what the last run left in the kept kernel cannot be told: a fresh one is used')
  return false
}

const isAsked = ({spec, cwd}: Kept, {flags, notebook}: AgainOptions): boolean =>
  spec === (flags.kernel ?? languageOf(notebook).kernel ?? null) && cwd === (flags.cwd ?? null)

async function isSame(path: string, output: string): Promise<boolean> {
  const [one, other] = await Promise.all([path, output].map((each) => realpath(each).catch(() => each)))
  return one === other
}

/** Widgets of cells that did not run keep their state. */
function mergeWidgets({metadata}: Notebook, copy: Notebook | undefined): void {
  const widgetsIn = (from: unknown): Record<string, unknown> | undefined => {
    const bundle = isRecord(from) ? from[widgetMime] : undefined
    return isRecord(bundle) && isRecord(bundle['state']) ? bundle['state'] : undefined
  }
  const [now, then] = [widgetsIn(metadata['widgets']), widgetsIn(copy?.metadata['widgets'])]
  if (now && then) for (const [id, state] of Object.entries(then)) now[id] ??= state
}
