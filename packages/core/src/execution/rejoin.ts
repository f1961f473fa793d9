import type {RuntimeSession} from '../runtime/session.ts'
import {CellOutput} from './cell-output.ts'
import {failedOutcome, outcomeUnknown, type Stop} from './exit-status.ts'
import type {EventListener} from './events.ts'
import type {ExecOutcome} from './exec.ts'
import {withAgent} from './follow-log.ts'
import {interruptWhenLinked} from './interrupt.ts'
import type {Delivered} from './output.ts'

export interface RejoinOptions {
  id: string
  /** when it began, by this process's `performance.now()` */
  startedAt: number
  /** of its output, what was shown before */
  delivered: Delivered
  /** its kernel, as was told when it began; `own`: made for it, and ended with it */
  kernel: {id: string; name: string; own: boolean}
  /** it was asked to stop before */
  interrupted?: boolean
  /** it is interrupted so long after its beginning, whoever watched over that before */
  timeoutMs?: number | undefined
  onEvent: EventListener
}

/**
 * An execution that somebody else sent and does not follow any more, from where its output was seen. `result` settles when it is over, by
 * its log on the machine, as that of an `Execution` does; it rejects with OUTCOME_UNKNOWN (71) where there is none.
 */
export class RejoinedExecution {
  readonly result: Promise<ExecOutcome>
  readonly #session: RuntimeSession
  readonly #options: RejoinOptions
  #stopped: Stop | undefined
  #over = false

  constructor(session: RuntimeSession, options: RejoinOptions) {
    this.#session = session
    this.#options = options
    const {interrupted, timeoutMs, startedAt} = options
    if (interrupted) this.#stopped = 'interrupt'
    const leftMs = timeoutMs === undefined ? undefined : timeoutMs - (performance.now() - startedAt)
    // over by now: whoever sent it may have interrupted it for that, and not have told
    if (leftMs !== undefined && leftMs <= 0) this.#stopped ??= 'timeout'
    const timer = leftMs === undefined ? undefined : setTimeout(() => void this.interrupt('timeout').catch(() => undefined), Math.max(0, leftMs))
    this.result = this.#followed().finally(() => {
      this.#over = true
      clearTimeout(timer)
    })
  }

  async interrupt(why: Stop = 'interrupt'): Promise<void> {
    this.#stopped ??= why
    await interruptWhenLinked({interrupt: () => this.#interrupt()}, () => !this.#over)
  }

  /** Over meanwhile: what its kernel runs now is somebody else's, and is left alone. */
  async #interrupt(): Promise<void> {
    const {id, kernel} = this.#options
    const {state} = await withAgent(this.#session, (agent) => agent.status(id))
    if (state === 'running') await (await this.#session.server()).interruptKernel(kernel.id)
  }

  async #followed(): Promise<ExecOutcome> {
    const {kernel} = this.#options
    if (kernel.own) await this.#session.takeOver(kernel.id)
    try {
      return await this.#session.guard(() => this.#follow())
    } finally {
      if (kernel.own) await this.#session.shutdownKernel(kernel.id).catch(() => undefined)
    }
  }

  async #follow(): Promise<ExecOutcome> {
    const {id, startedAt, delivered, kernel, timeoutMs, onEvent} = this.#options
    const output = new CellOutput(this.#session, id, null, onEvent, delivered)
    if (!(await output.fromLogOnly()) || output.exitCode === undefined) throw outcomeUnknown(this.#session.record.name, id)
    const {error, exitCode, delivered: {stdoutBytes, stderrBytes}} = output
    const failed = error !== undefined || exitCode !== 0
    return {
      id, ...(failed ? failedOutcome({id, error, stopped: this.#stopped, timeoutMs}) : {status: 'ok', exitStatus: 0}),
      durationMs: performance.now() - startedAt, kernel: {id: kernel.id, name: kernel.name}, stdoutBytes, stderrBytes,
    }
  }
}
