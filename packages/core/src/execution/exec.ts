import type {ExecuteResult, KernelConnection, Message} from '@cgpu/jupyter'
import type {CellRecorder} from '../agent/cell.ts'
import type {LogRecord} from '../agent/log.ts'
import {errors} from '../errors.ts'
import {explain} from '../runtime/explain.ts'
import type {RuntimeSession} from '../runtime/session.ts'
import {describeGap} from './gap.ts'
import {cellExitStatus} from './exit-status.ts'
import type {EventListener} from './events.ts'
import {newRunId} from './id.ts'
import {isRateNotice, OutputMerger, type OutputPiece} from './output.ts'

export interface ExecRequest {
  code: string
  /** kernelspec; default: the runtime's own */
  kernel?: string | undefined
  /** a kernel of its own, shut down afterwards */
  freshKernel?: boolean
  /** interrupt the code after so long */
  timeoutMs?: number | undefined
  onInput?: ((prompt: string, password: boolean) => Promise<string>) | undefined
  onEvent: EventListener
}

export interface CellError {
  name: string
  value: string
  /** lines as the kernel formats them, with ANSI colours */
  traceback: string[]
}

export interface ExecOutcome {
  id: string
  status: 'ok' | 'error' | 'interrupted'
  exitStatus: number
  executionCount?: number
  error?: CellError
  durationMs: number
  kernel: {id: string; name: string}
  stdoutBytes: number
  stderrBytes: number
}

/** A control request this often makes the server emit `idle`, which resets its output limiter; see docs/architecture.md. */
const limiterResetMs = 400

/** Code that runs on a kernel of a runtime. `result` settles when it is over and all of its output was delivered. */
export class Execution {
  readonly id = newRunId()
  readonly result: Promise<ExecOutcome>
  readonly #session: RuntimeSession
  readonly #request: ExecRequest
  readonly #merger = new OutputMerger()
  #connection: KernelConnection | undefined
  #stopped: 'interrupt' | 'timeout' | undefined
  #following: Promise<void> | undefined
  #recorder: CellRecorder | null = null
  #error: CellError | undefined
  #warned = false

  constructor(session: RuntimeSession, request: ExecRequest) {
    this.#session = session
    this.#request = request
    this.result = this.#run()
  }

  /** Interrupts the code as Ctrl-C would. Safe at any time. */
  async interrupt(why: 'interrupt' | 'timeout' = 'interrupt'): Promise<void> {
    this.#stopped ??= why
    await this.#connection?.interrupt()
  }

  async #run(): Promise<ExecOutcome> {
    const session = this.#session
    const {kernel: spec, freshKernel} = this.#request
    const startedAt = performance.now()
    const {kernel, connection} = await (freshKernel ? session.freshKernel(spec) : session.kernel(spec))
    this.#connection = connection
    try {
      if (kernel.language === 'python') {
        const {CellRecorder} = await import('../agent/cell.ts')
        this.#recorder = await CellRecorder.begin(connection, this.id, {home: session.endpoint.agentHome})
      }
      await this.#request.onEvent({type: 'started', id: this.id, runtime: session.record.name, kernel: kernel.name})
      const result = await this.#execute(connection)
      await this.#reconcile(result)
      const outcome = this.#outcome(result)
      return {
        ...outcome,
        durationMs: performance.now() - startedAt,
        kernel: {id: kernel.id, name: kernel.name},
        stdoutBytes: this.#merger.delivered.stdoutBytes,
        stderrBytes: this.#merger.delivered.stderrBytes,
      }
    } catch (error) {
      throw explain(error, session.record)
    } finally {
      if (freshKernel) await session.shutdownKernel(kernel.id).catch(() => undefined)
    }
  }

  async #execute(connection: KernelConnection): Promise<ExecuteResult> {
    if (this.#stopped) throw errors.interrupted('interrupted before the code started', {code: 'INTERRUPTED'})
    const {onInput, onEvent, timeoutMs} = this.#request
    const flow = setInterval(() => {
      // its answer does not matter, and none comes while the link is down
      connection.request('control', 'kernel_info_request', {}, {timeoutMs: 30_000}).catch(() => undefined)
    }, limiterResetMs)
    const timer = timeoutMs === undefined ? undefined : setTimeout(() => void this.interrupt('timeout').catch(() => undefined), timeoutMs)
    try {
      return await connection.execute(this.#request.code, {
        storeHistory: true,
        allowStdin: onInput !== undefined,
        stopOnError: true,
        ...(this.#recorder ? {userExpressions: this.#recorder.userExpressions} : {}),
        onOutput: (message) => this.#fromSocket(message),
        onGap: () => this.#useLog('the connection was lost for a while'),
        ...(onInput
          ? {
              onInput: async (prompt: string, password: boolean) => {
                await onEvent({type: 'input_request', prompt, password})
                return onInput(prompt, password)
              },
            }
          : {}),
      })
    } catch (error) {
      await this.#salvage()
      throw error
    } finally {
      clearInterval(flow)
      clearTimeout(timer)
    }
  }

  #fromSocket(message: Message): void | Promise<void> {
    if (isRateNotice(message)) return this.#useLog('the server limits its output')
    if (message.header.msg_type === 'error') this.#error = cellError(message.content)
    const piece = this.#merger.fromSocket(message)
    if (piece) return this.#emit(piece)
  }

  #emit(piece: OutputPiece): void | Promise<void> {
    return this.#request.onEvent(piece)
  }

  /** From here on the socket may have holes: follow the log on the machine, from where the socket left off. */
  #useLog(why: string): void {
    if (this.#recorder === null) {
      if (this.#warned) return
      this.#warned = true
      void this.#request.onEvent({type: 'notice', code: 'OUTPUT_INCOMPLETE', message: `${why}; output of this kernel may be missing`})
      return
    }
    if (this.#merger.source === 'log') return
    this.#merger.switchToLog()
    this.#following = this.#follow()
    this.#following.catch(() => undefined) // awaited by #reconcile
  }

  async #follow(): Promise<void> {
    const agent = await this.#session.agent()
    await agent.follow(this.id, {offset: 0, onRecord: (record) => this.#fromLog(record)})
  }

  #fromLog(record: LogRecord): void | Promise<void> {
    const piece = this.#pieceOf(record)
    if (piece) return this.#emit(piece)
  }

  #pieceOf(record: LogRecord): OutputPiece | null {
    if (record.stream === 'stdout' || record.stream === 'stderr') return this.#merger.bytesFromLog(record.stream, record.payload)
    if (record.stream === 'notice') {
      void this.#request.onEvent({type: 'notice', code: 'LOG_GAP', message: describeGap(record)})
      return null
    }
    if (record.stream !== 'display') return null
    const {type, content} = record.display()
    if (type === 'error') this.#error = cellError(content)
    return this.#merger.displayFromLog(type, content)
  }

  /** The code is over: compare what was shown with the log, and show what is missing. */
  async #reconcile(result: ExecuteResult): Promise<void> {
    if (this.#recorder === null) return
    if (this.#following) return this.#following
    const totals = await this.#recorder.end(result)
    // null: the kernel was new to the agent after all (restarted just before); the socket is all there is
    if (totals === null || this.#merger.isComplete(totals)) return
    this.#merger.switchToLog()
    for await (const record of this.#recorder.records()) await this.#fromLog(record)
  }

  /** The kernel is gone: what it printed before is in its log. */
  async #salvage(): Promise<void> {
    if (this.#recorder === null) return
    try {
      if (!this.#following) {
        this.#merger.switchToLog()
        this.#following = this.#follow()
      }
      await this.#following
    } catch {
      // the machine is gone with its log; the caller reports why
    }
  }

  #outcome(result: ExecuteResult): Pick<ExecOutcome, 'id' | 'status' | 'exitStatus' | 'executionCount' | 'error'> {
    const error = result.error ?? this.#error
    const count = result.executionCount === undefined ? {} : {executionCount: result.executionCount}
    const failed = result.replyLost ? error !== undefined : result.status !== 'ok'
    if (!failed) return {id: this.id, status: 'ok', exitStatus: 0, ...count}
    const interrupted = this.#stopped !== undefined && (error === undefined || error.name === 'KeyboardInterrupt')
    if (interrupted && this.#stopped === 'timeout') {
      throw errors.interrupted(`the code was interrupted after ${(this.#request.timeoutMs ?? 0) / 1000} s`, {
        code: 'EXEC_TIMEOUT', category: 'code', fix: 'give it more time with --timeout', details: {id: this.id},
      })
    }
    return {
      id: this.id,
      status: interrupted ? 'interrupted' : 'error',
      exitStatus: cellExitStatus(error, interrupted),
      ...count,
      ...(error ? {error} : {}),
    }
  }
}

function cellError(content: Record<string, unknown>): CellError {
  const text = (value: unknown): string => (typeof value === 'string' ? value : '')
  const lines = content['traceback']
  return {
    name: text(content['ename']),
    value: text(content['evalue']),
    traceback: Array.isArray(lines) ? lines.filter((line) => typeof line === 'string') : [],
  }
}
