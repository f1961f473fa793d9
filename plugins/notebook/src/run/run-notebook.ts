import {CgpuError, cellExitStatus, type KernelMessage, type OwnKernel} from '@cgpu/plugin-sdk'
import {type CodeCell, isRecord, type Notebook, tagsOf} from '../format/model.ts'
import {OutputRecorder} from './outputs.ts'
import {CellExecution, type CellRunOptions, type StopReason} from './run-cell.ts'

export interface RunOptions {
  /** names of exceptions that stop nothing; true: none does */
  allowErrors: true | readonly string[]
  /** cells with this tag are left as they are */
  skipTag: string
  timing: boolean
  cellTimeoutMs: number | undefined
  timeoutMs: number | undefined
  /** indices of the cells to run; undefined: all */
  selected?: ReadonlySet<number> | undefined
  onInput?: CellRunOptions['onInput']
  onCell?: (event: CellEvent) => void
  onMessage?: (cell: number, message: KernelMessage) => void
  /** the notebook changed: at the end of a cell, or while one prints */
  onChange?: (when: 'cell' | 'output') => void
  onWarning?: (message: string) => void
  /** asked before each cell: a reason leaves it out; a CgpuError ends the run */
  beforeCell?: (cell: CodeCell, index: number) => Promise<string | undefined>
  afterCell?: (cell: CodeCell, result: CellResult) => Promise<void>
  onSkip?: (index: number, reason: string) => void
}

export type CellEvent =
  | {type: 'begin'; index: number; position: number; total: number}
  | {type: 'end'; index: number; position: number; total: number; status: CellResult['status']; durationMs: number}

export interface CellResult {
  /** of all cells, from 0 */
  index: number
  id: string
  status: 'ok' | 'error' | 'interrupted' | 'lost'
  executionCount: number | null
  durationSeconds: number
  error?: {name: string; message: string; traceback: string[]}
}

export interface NotebookRun {
  /** `exited`: a cell called sys.exit() with success */
  status: 'ok' | 'exited' | 'error' | 'interrupted' | 'lost'
  exitStatus: number
  cells: CellResult[]
  /** which ended it */
  failed?: CellResult
  stopped?: StopReason
  /** why the kernel is gone */
  cause?: CgpuError
}

/** Executes a notebook on a kernel, in place. `stop` and `leave` end it from outside; what was executed stays recorded. */
export class NotebookExecution {
  readonly #notebook: Notebook
  readonly #kernel: OwnKernel
  readonly #options: RunOptions
  readonly #recorder: OutputRecorder
  #current: CellExecution | undefined
  #stopped: StopReason | undefined

  constructor(notebook: Notebook, kernel: OwnKernel, options: RunOptions) {
    this.#notebook = notebook
    this.#kernel = kernel
    this.#options = options
    // a widget that cannot be told shows less in the kernel; the file has it
    this.#recorder = new OutputRecorder((type, content) => void kernel.send(type, content).catch(() => undefined))
  }

  stop(reason: StopReason): void {
    this.#stopped ??= reason
    this.#current?.stop(reason)
  }

  leave(): void {
    this.#stopped ??= 'interrupt'
    this.#current?.leave()
  }

  async run(): Promise<NotebookRun> {
    const {timeoutMs} = this.#options
    const timer = timeoutMs === undefined ? undefined : setTimeout(() => this.stop('timeout'), timeoutMs)
    try {
      const {language_info: language} = this.#kernel.info
      if (isRecord(language)) this.#notebook.metadata['language_info'] = language
      return await this.#cells()
    } finally {
      clearTimeout(timer)
      const widgets = this.#recorder.widgets.metadata()
      if (widgets) this.#notebook.metadata['widgets'] = widgets
    }
  }

  async #cells(): Promise<NotebookRun> {
    const due = executable(this.#notebook, this.#options)
    const cells: CellResult[] = []
    for (const [at, {cell, index}] of due.entries()) {
      if (this.#stopped) return {status: 'interrupted', exitStatus: 130, cells, stopped: this.#stopped}
      const place = {index, position: at + 1, total: due.length}
      try {
        const reason = await this.#options.beforeCell?.(cell, index)
        if (reason !== undefined) {
          this.#options.onSkip?.(index, reason)
          continue
        }
      } catch (error) {
        if (!(error instanceof CgpuError)) throw error
        return {status: 'error', exitStatus: error.exit, cells, cause: error}
      }
      this.#options.onCell?.({type: 'begin', ...place})
      const end = await this.#cell(cell, place)
      cells.push(end.result)
      this.#options.onCell?.({type: 'end', ...place, status: end.result.status, durationMs: end.result.durationSeconds * 1000})
      this.#options.onChange?.('cell')
      await this.#options.afterCell?.(cell, end.result)
      if (end.ends) return {...end.ends, cells, ...(end.ends.status === 'exited' ? {} : {failed: end.result})}
    }
    return {status: 'ok', exitStatus: 0, cells}
  }

  async #cell(cell: CodeCell, {index, position}: {index: number; position: number}): Promise<{result: CellResult; ends?: Omit<NotebookRun, 'cells'>}> {
    const {timing, cellTimeoutMs, onInput, onMessage, onChange, onWarning} = this.#options
    const started = performance.now()
    const resultOf = (status: CellResult['status'], error?: CellResult['error']): CellResult =>
      ({index, id: cell.id, status, executionCount: cell.execution_count, durationSeconds: (performance.now() - started) / 1000, ...(error ? {error} : {})})
    this.#current = new CellExecution(cell, {
      kernel: this.#kernel, recorder: this.#recorder, timing, cellTimeoutMs,
      ...(onInput ? {onInput} : {}),
      ...(onMessage ? {onMessage: (message: KernelMessage) => onMessage(index, message)} : {}),
      onChange: () => onChange?.('output'),
      onGap: (why) => onWarning?.(`cell ${index + 1}: ${why}; some of its output may be missing`),
    })
    try {
      const {reply, stopped} = await this.#current.run()
      cell.execution_count = position
      const error = reply.error && {name: reply.error.name, message: reply.error.value, traceback: reply.error.traceback}
      if (stopped) return {result: resultOf('interrupted', error), ends: {status: 'interrupted', exitStatus: 130, stopped}}
      if (reply.status === 'ok') return {result: resultOf('ok')}
      const result = resultOf(reply.status === 'unknown' ? 'lost' : 'error', error)
      if (reply.status === 'unknown') return {result, ends: {status: 'lost', exitStatus: 71}}
      if (this.#mayFail(cell, reply.error?.name)) return {result}
      const exitStatus = cellExitStatus(reply.error, false)
      return {result, ends: {status: exitStatus === 0 ? 'exited' : 'error', exitStatus}}
    } catch (error) {
      if (!(error instanceof CgpuError)) throw error
      return {result: resultOf('lost', {name: error.code, message: error.message, traceback: []}), ends: {status: 'lost', exitStatus: error.exit, cause: error}}
    } finally {
      this.#current = undefined
    }
  }

  #mayFail(cell: CodeCell, name: string | undefined): boolean {
    const {allowErrors} = this.#options
    if (allowErrors === true || tagsOf(cell).includes('raises-exception')) return true
    return name !== undefined && allowErrors.includes(name)
  }
}

/** The cells that a run executes, in order: code that is not blank, not skipped by its tag, and selected. */
export function executable({cells}: Notebook, {selected, skipTag}: Pick<RunOptions, 'selected' | 'skipTag'>): {cell: CodeCell; index: number}[] {
  return cells.flatMap((cell, index) => {
    const runs = cell.cell_type === 'code' && cell.source.trim() !== '' && !tagsOf(cell).includes(skipTag) && (selected?.has(index) ?? true)
    return runs ? [{cell, index}] : []
  })
}

export const runNotebook = (notebook: Notebook, kernel: OwnKernel, options: RunOptions): Promise<NotebookRun> => new NotebookExecution(notebook, kernel, options).run()
