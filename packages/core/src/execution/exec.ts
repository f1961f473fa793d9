import type {ExecuteResult, KernelConnection} from '@cgpu/jupyter'
import type {CellRecorder} from '../agent/cell.ts'
import {errors} from '../errors.ts'
import type {KernelHost} from '../provider.ts'
import type {KnownKernel} from '../runtime/record.ts'
import type {RuntimeSession, UserKernel} from '../runtime/session.ts'
import {CellOutput, type CellError} from './cell-output.ts'
import {failedOutcome, outcomeUnknown, type Stop} from './exit-status.ts'
import type {EventListener} from './events.ts'
import {hasCode, withAgent} from './follow-log.ts'
import {newRunId} from './id.ts'
import {interruptWhenLinked} from './interrupt.ts'
import {restartNotice} from '../kernels/restart-notice.ts'
import {KernelAnswers} from './kernel-answers.ts'

export type {CellError} from './cell-output.ts'

export interface ExecRequest {
  /** default: a new one */
  id?: string
  code: string
  /** kernelspec; default: the runtime's own */
  kernel?: string | undefined
  /** instead: a kernel that is there, whoever started it, and its name when it is one of cgpu's */
  attach?: {kernel: KnownKernel; key: string | null} | undefined
  /** a kernel of its own, shut down afterwards */
  freshKernel?: boolean
  /** interrupt the code after so long */
  timeoutMs?: number | undefined
  onInput?: ((prompt: string, password: boolean) => Promise<string>) | undefined
  /** what questions of the machine's own libraries are answered with, where its provider can answer them */
  host?: KernelHost | undefined
  onEvent: EventListener
}

export interface ExecOutcome {
  id: string
  status: 'ok' | 'error' | 'interrupted'
  exitStatus: number
  executionCount?: number
  error?: CellError
  /** what the kernel wants to be edited and run next, as after `%load` */
  nextInput?: string
  durationMs: number
  kernel: {id: string; name: string}
  stdoutBytes: number
  stderrBytes: number
}

/** A control request this often makes the server emit `idle`, which resets its output limiter; see docs/architecture.md. */
const limiterResetMs = 400

/**
 * A kernel does not hear what interrupts it before it has begun, and an IPython that is about to hand over to the code
 * (its hooks before a cell) may swallow it: code that was interrupted before its first second was over, and goes on for
 * so long since, is interrupted again.
 */
const unheardMs = 1_000

/** Code that runs on a kernel of a runtime. `result` settles when it is over and all of its output was delivered. */
export class Execution {
  readonly id: string
  readonly result: Promise<ExecOutcome>
  readonly #session: RuntimeSession
  readonly #request: ExecRequest
  readonly #stopping = new AbortController()
  #stopped: Stop | undefined
  #kernelId: string | undefined
  #announced = false
  /** while our code is with the kernel */
  #running: KernelConnection | undefined
  /** the kernel has said something of our code, or may have: until then it works for somebody else, or is about to begin */
  #taken = false
  /** it was to be interrupted before that */
  #withheld = false
  /** to be told that it waits */
  #waiting: NodeJS.Timeout | undefined
  /** performance.now() when the kernel took up the code */
  #begunAt: number | undefined
  #again: NodeJS.Timeout | undefined

  constructor(session: RuntimeSession, request: ExecRequest) {
    this.#session = session
    this.#request = request
    this.id = request.id ?? newRunId()
    this.result = this.#run()
  }

  /** Of the kernel that has the code, or is about to get it; undefined until there is one. */
  get kernelId(): string | undefined {
    return this.#kernelId
  }

  /** Interrupts the code as Ctrl-C would, when the link is down as soon as it is back. Safe at any time. */
  async interrupt(why: Stop = 'interrupt'): Promise<void> {
    this.#stopped ??= why
    const connection = this.#running
    // not sent yet: what runs in the kernel is somebody else's, and is left alone
    if (!connection) return this.#stopping.abort(errors.interrupted('interrupted before the code started', {code: 'INTERRUPTED'}))
    // in the kernel's queue: the same, and ours is interrupted when its turn comes
    if (!this.#taken && connection.state === 'connected') return this.#withhold()
    this.#interruptAgain(connection)
    await this.#send(connection)
  }

  #withhold(): void {
    this.#withheld = true
    const {record} = this.#session
    const tell = async (): Promise<void> => this.#request.onEvent({type: 'notice', code: 'KERNEL_BUSY', message: `${record.name} runs other code first: this code is interrupted when its turn comes`})
    this.#waiting ??= setTimeout(() => void tell().catch(() => undefined), unheardMs) // a reader that fails shows at the next piece of output
  }

  async #send(connection: KernelConnection): Promise<void> {
    await interruptWhenLinked(connection, () => this.#running === connection)
  }

  /** Once it is both begun and stopped, when the two were close to each other. */
  #interruptAgain(connection: KernelConnection): void {
    if (!this.#stopped || this.#begunAt === undefined || performance.now() - this.#begunAt > unheardMs) return
    this.#again ??= setTimeout(() => void this.#send(connection).catch(() => undefined), unheardMs)
  }

  async #run(): Promise<ExecOutcome> {
    const session = this.#session
    const {kernel: spec, attach, freshKernel} = this.#request
    const startedAt = performance.now()
    const open = (): Promise<UserKernel> => (attach ? session.attach(attach.kernel, attach.key) : session.kernel(spec))
    let opened = await (freshKernel ? session.freshKernel(spec) : this.#unlessStopped(open()))
    try {
      const ran = await this.#untilItRan(opened).catch(async (error: unknown) => {
        // culled while nobody used it: nothing was lost with it but variables
        if (freshKernel || attach || !hasCode(error, 'KERNEL_DEAD') || (await this.#reached())) throw error
        opened = {...(await session.kernel(spec)), replaced: true}
        return this.#untilItRan(opened)
      })
      const {result, output} = ran
      const {kernel} = opened
      return {
        ...this.#outcome(result, output),
        durationMs: performance.now() - startedAt,
        ...(result.nextInput === undefined ? {} : {nextInput: result.nextInput}),
        kernel: {id: kernel.id, name: kernel.name},
        stdoutBytes: output.delivered.stdoutBytes,
        stderrBytes: output.delivered.stderrBytes,
      }
    } catch (error) {
      throw await session.explain(error)
    } finally {
      if (freshKernel) await session.shutdownKernel(opened.kernel.id).catch(() => undefined)
    }
  }

  /** Whether the machine knows of this execution; true when it cannot be asked. */
  async #reached(): Promise<boolean> {
    return withAgent(this.#session, async (agent) => (await agent.status(this.id)).state !== 'unknown').catch(() => true)
  }

  async #untilItRan(opened: UserKernel): Promise<{result: ExecuteResult; output: CellOutput}> {
    const {kernel, connection, replaced} = opened
    const {onEvent} = this.#request
    const name = this.#session.record.name
    this.#kernelId = kernel.id
    // after a lost link it may be another process, which does not record yet
    if (connection.process !== undefined) await this.#unlessStopped(connection.identify())
    const recorder = kernel.language === 'python' ? await this.#unlessStopped(this.#record(connection)) : null
    if (!this.#announced) await onEvent({type: 'started', id: this.id, runtime: name, kernel: kernel.name})
    this.#announced = true
    if (replaced) {
      await onEvent({type: 'notice', code: 'KERNEL_REPLACED', message: `the former kernel on ${name} is gone: a new kernel was started, variables are gone`})
    }
    if ((await this.#unlessStopped(this.#session.wasRestarted(opened))) && !replaced) await onEvent(restartNotice(opened, name, recorder?.former))
    for (;;) {
      const output = new CellOutput(this.#session, this.id, recorder, onEvent)
      const result = await this.#execute(opened, output, recorder)
      // aborted: another client's failing cell emptied the kernel's queue, with ours in it
      if (result.status !== 'aborted' && (await output.settle(result))) {
        for (const data of result.pages ?? []) await onEvent({type: 'display', display: {kind: 'display_data', data, metadata: {}}})
        await this.#session.wasRestarted(opened) // which one it is was perhaps not known before it said something
        return {result, output}
      }
      if (this.#stopped) throw errors.interrupted('interrupted before the code started', {code: 'INTERRUPTED'})
    }
  }

  async #record(connection: KernelConnection): Promise<CellRecorder | null> {
    const {CellRecorder} = await import('../agent/cell.ts')
    return CellRecorder.begin(connection, this.id, {home: this.#session.endpoint.agentHome})
  }

  async #execute({connection, kernel}: UserKernel, output: CellOutput, recorder: CellRecorder | null): Promise<ExecuteResult> {
    this.#stopping.signal.throwIfAborted()
    const {onInput, onEvent, timeoutMs, host} = this.#request
    const flow = setInterval(() => {
      // its answer does not matter
      if (connection.state === 'connected') connection.request('control', 'kernel_info_request', {}, {timeoutMs: 30_000}).catch(() => undefined)
    }, limiterResetMs)
    const timer = timeoutMs === undefined ? undefined : setTimeout(() => void this.interrupt('timeout').catch(() => undefined), timeoutMs)
    const {answerKernel} = this.#session.endpoint
    const answers = answerKernel && host ? new KernelAnswers(answerKernel, host) : undefined
    this.#running = connection
    try {
      return await connection.execute(this.#request.code, {
        // as a prompt's history it would end in a database on the machine, and it costs a third of a trivial cell's time
        storeHistory: false,
        allowStdin: onInput !== undefined,
        // true would also abort what other clients send within a moment after a failure
        stopOnError: false,
        ...(recorder ? {metadata: recorder.metadata} : {}),
        onOutput: (message) => output.fromSocket(message),
        onMessage: ({header}) => {
          this.#taken = true
          clearTimeout(this.#waiting)
          if (this.#begunAt === undefined) {
            this.#begunAt = performance.now()
            this.#interruptAgain(connection)
          }
          // busy: it is about to begin
          if (header.msg_type === 'status' || !this.#withheld) return
          this.#withheld = false
          this.#send(connection).catch(() => undefined)
        },
        ...(answers ? {onCustom: (message) => answers.asked(message, connection)} : {}),
        onGap: () => {
          this.#taken = true
          output.distrust('the connection was lost for a while')
        },
        ...(onInput
          ? {
              onInput: async (prompt: string, password: boolean) => {
                // first, so that a terminal has stopped to echo when the prompt invites to type a password
                const answer = onInput(prompt, password)
                answer.catch(() => undefined)
                await onEvent({type: 'input_request', prompt, password})
                return answer
              },
            }
          : {}),
      })
    } catch (error) {
      // anything else leaves the code running, and its log without an end
      if (hasCode(error, 'KERNEL_DEAD') || hasCode(error, 'KERNEL_RESTARTED')) {
        await output.salvage()
        await this.#session.forgetProcess(kernel) // the error says it
      }
      throw error
    } finally {
      this.#running = undefined
      answers?.close()
      clearInterval(flow)
      clearTimeout(timer)
      clearTimeout(this.#waiting)
      clearTimeout(this.#again)
      this.#again = this.#waiting = this.#begunAt = undefined
      this.#taken = this.#withheld = false
    }
  }

  async #unlessStopped<T>(work: Promise<T>): Promise<T> {
    const {signal} = this.#stopping
    const stopped = Promise.withResolvers<never>()
    const stop = (): void => stopped.reject(signal.reason)
    if (signal.aborted) stop()
    signal.addEventListener('abort', stop, {once: true})
    try {
      return await Promise.race([work, stopped.promise])
    } finally {
      signal.removeEventListener('abort', stop)
    }
  }

  #outcome(result: ExecuteResult, output: CellOutput): Pick<ExecOutcome, 'id' | 'status' | 'exitStatus' | 'executionCount' | 'error'> {
    const error = result.error ?? output.error
    const count = result.executionCount === undefined ? {} : {executionCount: result.executionCount}
    if (!this.#failed(result, output)) return {id: this.id, status: 'ok', exitStatus: 0, ...count}
    return {id: this.id, ...failedOutcome({id: this.id, error, stopped: this.#stopped, timeoutMs: this.#request.timeoutMs}), ...count}
  }

  /** Without a reply the output tells, or the machine's own account; where neither does, nothing is claimed. */
  #failed(result: ExecuteResult, output: CellOutput): boolean {
    if (!result.replyLost) return result.status !== 'ok'
    if (output.error) return true
    if (output.exitCode !== undefined) return output.exitCode !== 0
    // between a kernel's own steps an interrupt takes the reply along: the kernel is idle, and the machine knows of no end of its own
    if (this.#stopped && result.started) return true
    throw outcomeUnknown(this.#session.record.name, this.id)
  }
}
