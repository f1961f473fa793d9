import type {Config} from '@oclif/core/config'
import type {Cgpu} from '@cgpu/core/cgpu'
import type {ExecutionEvent} from '@cgpu/core/execution/events'
import {Execution} from '@cgpu/core/execution/exec'
import {newRunId} from '@cgpu/core/execution/id'
import type {Runtime} from '@cgpu/core/runtime/record'
import {type ExecutionRequest, withExecution} from '@cgpu/plugin-sdk'
import type {Executed, RuntimeView, Services} from '@cgpu/plugins/sandbox/broker/broker'
import {begunExec} from '../history/begun.ts'
import {StreamCommand} from '../run/stream-command.ts'
import {openSecrets} from '../run/secrets.ts'
import {makeOptionsOf, requestOf, runtimeWish} from '../runtime-request.ts'
import {CaptureSink} from '../stream/capture-sink.ts'

interface Ways {
  warn(text: string): void
  notice(text: string): void
  /** the command was ended */
  signal: AbortSignal
}

/** What an untrusted plugin may be granted, done as cgpu's own commands do it: with hooks, history and settings. */
export class SandboxServices extends StreamCommand<void> implements Services {
  readonly #ways: Ways
  #cgpu: Promise<Cgpu> | undefined

  constructor(config: Config, ways: Ways) {
    super([], config)
    this.#ways = ways
  }

  async run(): Promise<void> {}

  override warn(input: Error | string): Error | string {
    this.#ways.warn(typeof input === 'string' ? input : input.message)
    return input
  }

  override notice(text: string): void {
    this.#ways.notice(text)
  }

  async runtimes(): Promise<RuntimeView[]> {
    return (await (await this.#opened()).runtimes.list()).map(view)
  }

  async createRuntime({name, provider, accelerator}: Parameters<Services['createRuntime']>[0]): Promise<RuntimeView> {
    const kind = accelerator === undefined ? {} : /^(tpu|v\d)/i.test(accelerator) ? {tpu: accelerator} : {gpu: accelerator}
    const cgpu = await this.open({...(provider === undefined ? {} : {provider}), ...kind})
    const wish = runtimeWish(cgpu)
    return view(await cgpu.runtimes.create({...requestOf(wish), ...(name === undefined ? {} : {name})}, {...makeOptionsOf(wish), signal: this.#ways.signal}))
  }

  async releaseRuntime(name: string): Promise<RuntimeView> {
    const cgpu = await this.#opened()
    const record = await cgpu.runtimes.select(name)
    await cgpu.runtimes.release([record])
    return {id: record.id, name: record.name, provider: record.provider, accelerator: record.accelerator.id}
  }

  async executeCode({code, runtime, timeoutMs}: Parameters<Services['executeCode']>[0]): Promise<Executed> {
    const cgpu = await this.#opened()
    const record = await cgpu.runtimes.select(runtime)
    const session = await cgpu.connect(record, {signal: this.#ways.signal})
    const sink = new CaptureSink((text) => void this.warn(text))
    const id = newRunId()
    const request: ExecutionRequest = {id, kind: 'exec', runtime: {id: record.id, name: record.name, provider: record.provider}, code, envNames: []}
    try {
      const outcome = await this.recorded(cgpu, begunExec(request, record, {code}, {}), () => withExecution(this, request, {}, async () => {
        const execution = new Execution(session, {id, code, timeoutMs, kernel: cgpu.settings.text('kernel'), onEvent: (event: ExecutionEvent) => sink.onEvent(event)})
        const stop = (): void => void execution.interrupt()
        this.#ways.signal.addEventListener('abort', stop)
        try {
          return await execution.result
        } finally {
          this.#ways.signal.removeEventListener('abort', stop)
        }
      }, (ended) => ended), (ended) => ended)
      const {stdout, stderr, truncated, displays} = sink.result()
      const shown = displays.findLast(({kind}) => kind === 'execute_result')?.data['text/plain']
      const {error} = outcome
      return {
        status: outcome.status, exitStatus: outcome.exitStatus, stdout, stderr, truncated, result: typeof shown === 'string' ? shown : null,
        error: error ? {name: error.name, value: error.value} : null,
      }
    } finally {
      await session.close()
    }
  }

  async secret(name: string): Promise<string | undefined> {
    return openSecrets(this.secretPlaces(await this.#opened())).find(name)
  }

  #opened(): Promise<Cgpu> {
    return (this.#cgpu ??= this.open({}))
  }
}

const view = ({id, name, provider, state, accelerator}: Runtime): RuntimeView => ({id, name, provider, state, accelerator: accelerator.id})
