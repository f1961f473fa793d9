import {CgpuError, ExitCode} from '../errors.ts'
import type {RuntimeSession} from '../runtime/session.ts'
import {CellOutput} from './cell-output.ts'
import type {EventListener} from './events.ts'
import type {ExecOutcome} from './exec.ts'
import {cellExitStatus} from './exit-status.ts'
import {interruptWhenLinked} from './interrupt.ts'
import type {Delivered} from './output.ts'

export interface RejoinOptions {
  id: string
  /** of its output, what was shown before */
  delivered: Delivered
  /** name of its kernel, as `started` told, and the kernelspec that was asked for */
  kernel: {name: string; spec?: string | undefined}
  /** it was asked to stop before */
  interrupted?: boolean
  onEvent: EventListener
}

/**
 * An execution that somebody else sent and does not follow any more, from where its output was seen. `result` settles when it is over, by
 * its log on the machine; it rejects with OUTCOME_UNKNOWN (71) where there is none.
 */
export class RejoinedExecution {
  readonly result: Promise<ExecOutcome>
  readonly #session: RuntimeSession
  readonly #options: RejoinOptions
  #interrupted: boolean
  #over = false

  constructor(session: RuntimeSession, options: RejoinOptions) {
    this.#session = session
    this.#options = options
    this.#interrupted = options.interrupted ?? false
    this.result = session.guard(() => this.#follow()).finally(() => {
      this.#over = true
    })
  }

  async interrupt(): Promise<void> {
    this.#interrupted = true
    const {connection} = await this.#session.kernel(this.#options.kernel.spec)
    await interruptWhenLinked(connection, () => !this.#over)
  }

  async #follow(): Promise<ExecOutcome> {
    const {id, delivered, kernel, onEvent} = this.#options
    const startedAt = performance.now()
    const output = new CellOutput(this.#session, id, null, onEvent, delivered)
    if (!(await output.fromLogOnly()) || output.exitCode === undefined) throw outcomeUnknown(this.#session.record.name, id)
    const {error, exitCode, delivered: {stdoutBytes, stderrBytes}} = output
    const failed = error !== undefined || exitCode !== 0
    const interrupted = failed && this.#interrupted && (error === undefined || error.name === 'KeyboardInterrupt')
    const known = this.#session.record.kernels[kernel.spec ?? 'default']
    return {
      id, status: failed ? (interrupted ? 'interrupted' : 'error') : 'ok', exitStatus: failed ? cellExitStatus(error, interrupted) : 0,
      ...(error ? {error} : {}), durationMs: performance.now() - startedAt, kernel: {id: known?.id ?? '', name: kernel.name}, stdoutBytes, stderrBytes,
    }
  }
}

/** Nobody can tell how it ended. */
export function outcomeUnknown(runtime: string, id: string): CgpuError {
  return new CgpuError(`the connection to ${runtime} was lost, and how the code ended cannot be told`, {
    code: 'OUTCOME_UNKNOWN', category: 'kernel', exit: ExitCode.lost, fix: 'look at what it left on the machine before you run it again', details: {id},
  })
}
