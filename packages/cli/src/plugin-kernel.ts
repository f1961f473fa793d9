import {CellRecorder} from '@cgpu/core/agent/cell'
import type {Cgpu} from '@cgpu/core/cgpu'
import {CgpuError, errors, ExitCode} from '@cgpu/core/errors'
import {hasCode} from '@cgpu/core/execution/follow-log'
import {newRunId} from '@cgpu/core/execution/id'
import {interruptWhenLinked} from '@cgpu/core/execution/interrupt'
import {KernelAnswers} from '@cgpu/core/execution/kernel-answers'
import type {KernelHost} from '@cgpu/core/provider'
import {sanitizeLine} from '@cgpu/core/text/line'
import type {RuntimeSession, UserKernel} from '@cgpu/core/runtime/session'
import {type CgpuCommand, type ExecutionRequest, type KernelExecuteOptions, type KernelReply, type KernelRequest, type KernelWork, type OwnKernel, withExecution} from '@cgpu/plugin-sdk'
import {startDaemonLater} from './daemon/start-later.ts'
import {type Begun, begunExec, begunNotebook} from './history/begun.ts'
import {openCgpu} from './open-cgpu.ts'
import {openOwn} from './plugin-kernel-kept.ts'
import {KernelOutput} from './plugin-kernel-output.ts'
import {kernelHost, refuseSecrets} from './run/kernel-host.ts'

/** A control request this often makes the server emit `idle`, which resets its output limiter. */
const limiterResetMs = 400

/** `withKernel` of the SDK: a kernel of its own on a runtime, for a plugin of this process. */
export async function withKernel<R extends KernelWork>(command: CgpuCommand, request: KernelRequest, work: (kernel: OwnKernel) => Promise<R>): Promise<R> {
  const {code, cwd, kernel: spec, runtime, account, secrets = [], signal, onLink, keep} = request
  const cgpu = await openCgpu(command, {runtime, account}, (line) => traceOf(command, line))
  const record = await cgpu.runtimes.select(runtime)
  const {configDir} = command.config
  const onWarning = (message: string): void => void command.warn(message)
  let values: Record<string, string> = {}
  const host = await kernelHost({granted: secrets, onGranted: (granted) => void (values = granted), asks: false, configDir, settings: cgpu.settings, onWarning, onEvent: (event) => void (event.type === 'notice' && onWarning(event.message))})
  const session = await cgpu.connect(record, {...(signal ? {signal} : {}), ...(onLink ? {onLink} : {})})
  try {
    refuseSecrets(secrets, session)
    const runtimeInfo = {id: record.id, name: record.name, provider: record.provider}
    const execution: ExecutionRequest = {id: newRunId(), kind: 'exec', runtime: runtimeInfo, code, envNames: []}
    const begun = request.notebook
      ? begunNotebook(execution, record, request.notebook, {code, account, secrets: values})
      : begunExec(execution, record, {code}, {account, kernel: spec, 'new-kernel': true, secret: secrets}, values)
    return await recorded(begun, {command, cgpu}, () => withExecution(command, execution, {}, async () => {
      await request.before?.(runtimeInfo)
      const name = spec ?? cgpu.settings.text('kernel')
      const start = startOf(name, request.startTimeoutMs ?? 60_000, signal)
      let answered = false
      try {
        const {opened, kept} = await openOwn(session, name, {cwd, keep, signal: start.signal})
        try {
          const info = await ready(session, opened, start.signal)
          start.over()
          answered = true
          return await work(new HostedKernel(session, opened, runtimeInfo, info, host, kept))
        } finally {
          if (!keep || !answered) await session.shutdownKernel(opened.kernel.id).catch(() => undefined)
        }
      } finally {
        start.over()
      }
    }, ({exitStatus = 0, lost}) => (lost ? {status: 'lost'} : {exitStatus})))
  } finally {
    await session.close()
    startDaemonLater(cgpu.dirs, cgpu.settings)
  }
}

/** Does the work and keeps it in the history, unless that is off. */
async function recorded<R extends KernelWork>(begun: Begun, {command, cgpu}: {command: CgpuCommand; cgpu: Cgpu}, work: () => Promise<R>): Promise<R> {
  if (!cgpu.settings.on('history')) return work()
  const {Recorder} = await import('./history/record.ts')
  const recorder = await Recorder.begin(begun, {stateDir: cgpu.dirs.state, version: command.config.version, onWarning: (message) => void command.warn(message)})
  try {
    const result = await work()
    await (result.lost ? recorder.failed(result.lost) : recorder.ended({exitStatus: result.exitStatus ?? 0}))
    return result
  } catch (error) {
    await recorder.failed(error)
    throw error
  }
}

/** Aborts with KERNEL_START_TIMEOUT (71) when the kernel takes too long to start, or as `signal` does. */
function startOf(name: string | undefined, timeoutMs: number, signal: AbortSignal | undefined): {signal: AbortSignal; over: () => void} {
  const late = new AbortController()
  const timer = setTimeout(() => late.abort(new CgpuError(`the kernel${name === undefined ? '' : ` ${sanitizeLine(name, 80)}`} did not answer within ${timeoutMs / 1000} s`, {
    code: 'KERNEL_START_TIMEOUT', category: 'kernel', exit: ExitCode.lost, fix: 'give it more time (--startup-timeout), or see whether it starts at all: cgpu exec --new-kernel "1"',
  })), timeoutMs)
  return {signal: signal ? AbortSignal.any([signal, late.signal]) : late.signal, over: () => clearTimeout(timer)}
}

/** Its `kernel_info_reply`. */
async function ready(session: RuntimeSession, {connection}: UserKernel, signal: AbortSignal): Promise<Record<string, unknown>> {
  try {
    return (await connection.request('shell', 'kernel_info_request', {}, {timeoutMs: 0x7fff_ffff, signal})).content
  } catch (error) {
    signal.throwIfAborted()
    throw await session.explain(error)
  }
}

/** A kernel of a session as plugins see it. */
export class HostedKernel implements OwnKernel {
  readonly id: string
  readonly kept?: NonNullable<OwnKernel['kept']>
  readonly runtime: OwnKernel['runtime']
  readonly name: string
  readonly language: string
  readonly info: Record<string, unknown>
  readonly #session: RuntimeSession
  readonly #opened: UserKernel
  readonly #host: KernelHost
  #running = false

  constructor(session: RuntimeSession, opened: UserKernel, runtime: OwnKernel['runtime'], info: Record<string, unknown>, host: KernelHost, kept?: OwnKernel['kept']) {
    this.#session = session
    this.#opened = opened
    this.#host = host
    this.id = opened.kernel.id
    if (kept) this.kept = kept
    this.runtime = runtime
    this.info = info
    this.name = opened.kernel.name
    this.language = opened.kernel.language
  }

  async execute(code: string, {onInput, signal, ...listeners}: KernelExecuteOptions = {}): Promise<KernelReply> {
    const {connection} = this.#opened
    const recorder = await this.#recorder()
    const output = new KernelOutput(recorder, listeners)
    const flow = setInterval(() => {
      // its answer does not matter
      if (connection.state === 'connected') connection.request('control', 'kernel_info_request', {}, {timeoutMs: 30_000}).catch(() => undefined)
    }, limiterResetMs)
    const {answerKernel} = this.#session.endpoint
    const answers = answerKernel && new KernelAnswers(answerKernel, this.#host)
    this.#running = true
    try {
      const result = await connection.execute(code, {
        storeHistory: true,
        stopOnError: false,
        allowStdin: onInput !== undefined,
        ...(recorder ? {metadata: recorder.metadata} : {}),
        onMessage: (message) => output.fromSocket(message),
        onGap: () => output.distrust('the connection was lost for a while'),
        ...(answers ? {onCustom: (message) => answers.asked(message, connection)} : {}),
        ...(onInput ? {onInput} : {}),
        ...(signal ? {signal} : {}),
      })
      await output.settle(result)
      const {status, executionCount, error} = result
      return {status, ...(executionCount === undefined ? {} : {executionCount}), ...(error ? {error} : {})}
    } catch (error) {
      signal?.throwIfAborted()
      throw await this.#explain(error)
    } finally {
      this.#running = false
      answers?.close()
      clearInterval(flow)
    }
  }

  async interrupt(): Promise<void> {
    await interruptWhenLinked(this.#opened.connection, () => this.#running)
  }

  async send(type: string, content: object): Promise<void> {
    await this.#opened.connection.send(type, content)
  }

  /** What keeps the output on the machine, too; only IPython's kernels can. */
  async #recorder(): Promise<CellRecorder | null> {
    if (this.language !== 'python') return null
    try {
      return await CellRecorder.begin(this.#opened.connection, newRunId(), {home: this.#session.endpoint.agentHome})
    } catch (error) {
      throw await this.#explain(error)
    }
  }

  async #explain(error: unknown): Promise<unknown> {
    const told = await this.#session.explain(error)
    if (!hasCode(error, 'KERNEL_DEAD') && !hasCode(error, 'KERNEL_RESTARTED')) return told
    if (told instanceof CgpuError && told.code === 'RUNTIME_RECLAIMED') return told
    return errors.lost('the kernel died', {code: 'KERNEL_DIED', category: 'kernel', fix: 'run it with more memory, or find the cell that ends its process', cause: error})
  }
}

/** With --verbose; `trace` is for a command's own use, and this is work of the command. */
function traceOf(command: CgpuCommand, line: string): void {
  ;(command as unknown as {trace(line: string): void}).trace(line) // protected
}
