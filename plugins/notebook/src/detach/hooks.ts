import {CgpuError, type HookHost, type NotebookCell, notebookHooks, type NotebookHooks, type NotebookRequest} from '@cgpu/plugin-sdk'
import {recordOf} from '../again/record.ts'
import {type CodeCell, isRecord, type Notebook} from '../format/model.ts'
import {outcomeOf} from '../hooks/asked.ts'
import type {NotebookEnd} from '../hooks/outcome.ts'
import type {CellResult} from '../run/run-notebook.ts'
import type {Remembered} from './remembered.ts'
import {Told} from './told.ts'

/**
 * Tells plugins of a run that was left running, on the computer that started it. Whoever follows it tells of cells as they begin and end; of
 * those that had ended before, it tells the end, marked as late. Each is told once, whoever follows and how often.
 */
export class FollowedHooks {
  readonly #host: HookHost
  readonly #hooks: NotebookHooks
  readonly #request: NotebookRequest
  readonly #known: Remembered
  readonly #told: Told
  #telling: Promise<void> = Promise.resolve()
  #left = false
  #ms = 0

  private constructor(host: HookHost, hooks: NotebookHooks, known: Remembered & {request: NotebookRequest}, folder: string) {
    this.#host = host
    this.#hooks = hooks
    this.#known = known
    this.#request = known.request
    this.#told = new Told(folder)
  }

  /** Undefined: nobody listens, or it was started on another computer. */
  static async of(host: HookHost, folder: string, known: Remembered | undefined): Promise<FollowedHooks | undefined> {
    if (!known?.request) return undefined
    const hooks = await notebookHooks(host)
    if (!hooks.after && !hooks.beforeCell && !hooks.afterCell) return undefined
    return new FollowedHooks(host, hooks, {...known, request: known.request}, folder)
  }

  begin(index: number, position: number): void {
    const {beforeCell} = this.#hooks
    if (beforeCell) this.#tell(2 * position - 2, () => this.#ask(beforeCell, this.#cell(index)))
  }

  /** `late`: it had ended before anybody looked */
  end(result: Pick<CellResult, 'index' | 'id' | 'status' | 'durationSeconds' | 'error'>, position: number, {late}: {late: boolean}): void {
    const {afterCell} = this.#hooks
    this.#ms += result.durationSeconds * 1000
    if (afterCell) this.#tell(2 * position - 1, () => afterCell(this.#request, this.#cell(result.index, result.id), {...outcomeOf(result), ...(late ? {late} : {})}))
  }

  /** The run is over. `durationMs`: absent, that of its cells. Resolves when all is told. */
  async ended(end: NotebookEnd, durationMs?: number): Promise<void> {
    await this.#telling
    const {after} = this.#hooks
    if (after) await this.#told.end(() => after(this.#request, {...end, durationMs: durationMs ?? this.#ms}))
  }

  /** The run is over, and its copy tells what nobody followed. */
  async endedAlone(end: NotebookEnd, copy: Notebook | undefined): Promise<void> {
    const results = copy ? this.#resultsIn(copy) : []
    for (const {result, position} of results) this.end(result, position, {late: true})
    await this.ended({...end, cells: results.length, late: true})
  }

  /** Nobody follows any more: what is not told yet is told to whoever comes next. Resolves when nothing is on its way. */
  async leave(): Promise<void> {
    this.#left = true
    await this.#telling
  }

  #tell(number: number, tell: () => Promise<void>): void {
    this.#telling = this.#telling.then(async () => {
      if (!this.#left) await this.#told.event(number, tell)
    }).catch((error: unknown) => void this.#host.warn(error instanceof Error ? error.message : String(error)))
  }

  async #ask(beforeCell: NonNullable<NotebookHooks['beforeCell']>, cell: NotebookCell): Promise<void> {
    let answer: string | undefined
    try {
      const reason = await beforeCell(this.#request, cell)
      answer = reason === undefined ? undefined : `cell ${cell.index + 1} was to be skipped (${reason})`
    } catch (error) {
      if (!(error instanceof CgpuError)) throw error
      answer = error.message
    }
    if (answer !== undefined) this.#host.warn(`${answer}: it runs all the same, as the notebook was left running; end it: cgpu job cancel ${this.#known.job ?? 'ID'}`)
  }

  #cell(index: number, id = ''): NotebookCell {
    return this.#known.cells.find((one) => one.index === index) ?? {id, index, tags: []}
  }

  /** Cells that have ended, as the copy keeps it. */
  #resultsIn({cells}: Notebook): {result: Parameters<FollowedHooks['end']>[0]; position: number}[] {
    const byId = new Map(cells.flatMap((cell) => (cell.cell_type === 'code' ? [[cell.id, cell] as const] : [])))
    return this.#known.cells.flatMap(({id, index}, at) => {
      const cell = byId.get(id)
      const status = cell && recordOf(cell)?.status
      if (!cell || status === undefined || status === 'begun') return []
      const failed = cell.outputs.find((one) => one.output_type === 'error')
      const error = failed ? {error: {name: failed.ename, message: failed.evalue, traceback: []}} : {}
      return [{position: at + 1, result: {index, id, status: status === 'allowed' ? 'error' : status, durationSeconds: secondsOf(cell), ...error}}]
    })
  }
}

/** As the kernel's clock has it; 0 where the copy does not say. */
function secondsOf({metadata: {execution}}: CodeCell): number {
  const at = (key: string): number => (isRecord(execution) ? Date.parse(String(execution[key])) : Number.NaN)
  const ms = at('shell.execute_reply') - at('iopub.execute_input')
  return ms >= 0 ? ms / 1000 : 0
}
