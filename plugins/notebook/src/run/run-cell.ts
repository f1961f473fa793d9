import {type KernelMessage, type KernelReply, type OwnKernel} from '@cgpu/plugin-sdk'
import type {CodeCell, Metadata} from '../format/model.ts'
import {isRecord} from '../format/model.ts'
import type {OutputRecorder} from './outputs.ts'

/** How long code may go on that was interrupted; then it is left. */
const graceMs = 10_000

/** Who stopped a cell: its own time limit, that of the notebook, or a person. */
export type StopReason = 'cell-timeout' | 'timeout' | 'interrupt'

export interface CellRunOptions {
  kernel: OwnKernel
  recorder: OutputRecorder
  /** keep `metadata.execution` */
  timing: boolean
  cellTimeoutMs: number | undefined
  onInput?: (prompt: string, password: boolean) => Promise<string>
  onMessage?: (message: KernelMessage) => void
  /** output is missing, and why */
  onGap: (why: string) => void
  /** told when there is something new to save */
  onChange: () => void
}

export interface CellRun {
  reply: KernelReply
  stopped: StopReason | undefined
}

/** A cell on a kernel. `stop` may be called at any time: the code is interrupted, and left where it does not mind. */
export class CellExecution {
  readonly #cell: CodeCell
  readonly #options: CellRunOptions
  readonly #leaving = new AbortController()
  #stopped: StopReason | undefined
  #graceTimer: NodeJS.Timeout | undefined

  constructor(cell: CodeCell, options: CellRunOptions) {
    this.#cell = cell
    this.#options = options
  }

  stop(reason: StopReason): void {
    if (this.#stopped) return
    this.#stopped = reason
    this.#options.kernel.interrupt().catch(() => undefined)
    this.#graceTimer = setTimeout(() => this.#leaving.abort(), graceMs)
  }

  /** At once, whatever the code does. */
  leave(): void {
    this.#stopped ??= 'interrupt'
    this.#leaving.abort()
  }

  async run(): Promise<CellRun> {
    const {kernel, recorder, timing, cellTimeoutMs, onInput, onGap, onChange} = this.#options
    const cell = this.#cell
    if (timing) cell.metadata['execution'] = {}
    recorder.begin(cell)
    const timer = cellTimeoutMs === undefined ? undefined : setTimeout(() => this.stop('cell-timeout'), cellTimeoutMs)
    try {
      const reply = await kernel.execute(cell.source, {
        onMessage: (message) => {
          if (timing) note(cell.metadata, message)
          if (recorder.record(cell, message)) onChange()
          this.#options.onMessage?.(message)
        },
        onReplay: () => recorder.begin(cell),
        onGap, signal: this.#leaving.signal,
        ...(onInput ? {onInput} : {}),
      })
      return {reply, stopped: this.#stopped}
    } catch (error) {
      if (!this.#leaving.signal.aborted) throw error
      return {reply: {status: 'error', error: {name: 'KeyboardInterrupt', value: 'the code did not stop when it was interrupted', traceback: []}}, stopped: this.#stopped}
    } finally {
      clearTimeout(timer)
      clearTimeout(this.#graceTimer)
    }
  }
}

/** When what happened to a cell, by the kernel's clock, as Jupyter's own clients note it. */
function note(metadata: Metadata, {channel, type, content, date}: KernelMessage): void {
  const key =
    channel === 'shell' && type === 'execute_reply' ? 'shell.execute_reply'
    : channel === 'iopub' && type === 'execute_input' ? 'iopub.execute_input'
    : channel === 'iopub' && type === 'status' && (content['execution_state'] === 'busy' || content['execution_state'] === 'idle') ? `iopub.status.${content['execution_state']}`
    : undefined
  const times = metadata['execution']
  if (key === undefined || !isRecord(times)) return
  const at = new Date(date ?? Date.now())
  times[key] = date !== undefined && /\.\d{6}(Z|\+00:00)$/.test(date) ? date.replace('+00:00', 'Z') : (Number.isNaN(at.getTime()) ? new Date() : at).toISOString()
}
