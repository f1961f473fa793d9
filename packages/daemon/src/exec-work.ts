import type {Cgpu} from '@cgpu/core/cgpu'
import {errors} from '@cgpu/core/errors'
import {Execution, type ExecOutcome} from '@cgpu/core/execution/exec'
import type {ExecutionEvent} from '@cgpu/core/execution/events'
import type {KernelHost} from '@cgpu/core/provider'
import {explainUnbegun} from '@cgpu/core/runtime/explain'
import type {RuntimeRecord} from '@cgpu/core/runtime/record'
import type {ExecQuestion} from './exec-client.ts'
import {errorOf, failureOf, type RemoteFailure} from './failure.ts'
import type {UsedSession, WarmSessions} from './sessions.ts'
import type {Said, Wire} from './wire.ts'

/** Keeps a record of one execution, to its end, also when its client has left. Never rejects. */
export interface ExecRecorder {
  onEvent: (event: ExecutionEvent) => void
  ended: (outcome: ExecOutcome) => Promise<void>
  failed: (error: unknown) => Promise<void>
}

/** Begins to keep a record; undefined: none is wanted. */
export type RecordExecution = (begun: {cgpu: Cgpu; question: ExecQuestion; runtime: RuntimeRecord}) => Promise<ExecRecorder | undefined>

export interface ExecWorkOptions {
  wire: Wire
  question: ExecQuestion
  sessions: WarmSessions
  cgpu: Promise<Cgpu>
  record?: RecordExecution | undefined
}

/** One execution for one client. When the client goes, the code goes on on the machine, and nobody here waits for it. */
export class ExecWork {
  readonly #options: ExecWorkOptions
  readonly #calls = new Map<number, PromiseWithResolvers<unknown>>()
  readonly #left = Promise.withResolvers<never>()
  readonly #mayRun = Promise.withResolvers<void>()
  #execution: Execution | undefined
  #recorder: ExecRecorder | undefined
  /** what happened before the record was begun */
  #early: ExecutionEvent[] | undefined = []
  #interrupted = false
  #started = false
  #n = 0

  constructor(options: ExecWorkOptions) {
    this.#options = options
    this.#left.promise.catch(() => undefined)
    this.#mayRun.promise.catch(() => undefined)
  }

  said(message: Said): void {
    if (message.t === 'ping') void this.#options.wire.say({t: 'pong'})
    if (message.t === 'run') this.#mayRun.resolve()
    if (message.t === 'refuse') this.#mayRun.reject(errorOf(message['failure'] as RemoteFailure)) // our own client of this build made it
    if (message.t === 'interrupt') this.#interrupt()
    if (message.t !== 'answer') return
    const call = this.#calls.get(Number(message['n']))
    this.#calls.delete(Number(message['n']))
    if (message['ok'] === true) call?.resolve(message['value'])
    else call?.reject(errorOf(message['failure'] as RemoteFailure)) // our own client of this build made it
  }

  /** The client is gone. */
  leave(): void {
    this.#left.reject(errors.interrupted('the client left', {code: 'INTERRUPTED'}))
  }

  /** Never rejects. Ends when the execution is over, or the client has left. */
  async run(): Promise<void> {
    const {wire, question, sessions, record: keep} = this.#options
    let used: UsedSession | undefined
    try {
      const cgpu = await this.#options.cgpu
      const record = await cgpu.runtimes.select(question.runtime)
      await wire.say({t: 'selected', runtime: {id: record.id, name: record.name, provider: record.provider}})
      used = await sessions.use(cgpu, record, (state, reason) => void this.#tell(state === 'reconnecting' ? {type: 'reconnecting', reason} : {type: 'reconnected'}))
      const work = this.#execute(used, question, cgpu).catch((error: unknown) => {
        throw this.#started ? error : explainUnbegun(error, record)
      })
      const recorder = this.#record(keep?.({cgpu, question, runtime: record}))
      // what is left goes on in its session, and tells the record only
      work.then(async (outcome) => (await recorder)?.ended(outcome), async (error: unknown) => (await recorder)?.failed(error)).catch(() => undefined)
      await wire.say({t: 'done', outcome: await Promise.race([work, this.#left.promise])})
    } catch (error) {
      await wire.say({t: 'failed', failure: failureOf(error)})
    } finally {
      used?.done()
      wire.end()
    }
  }

  /** Begun while the kernel works, and told what was printed until then. */
  async #record(beginning: Promise<ExecRecorder | undefined> | undefined): Promise<ExecRecorder | undefined> {
    const recorder = await beginning?.catch(() => undefined)
    for (const event of this.#early ?? []) recorder?.onEvent(event)
    this.#early = undefined
    return (this.#recorder = recorder)
  }

  #execute({session}: UsedSession, question: ExecQuestion, cgpu: Cgpu): Promise<ExecOutcome> {
    const {id, code, kernel, freshKernel = false, timeoutMs, answers} = question
    this.#execution = new Execution(session, {
      id, code, freshKernel, timeoutMs, host: this.#host(answers),
      kernel: kernel ?? cgpu.settings.text('kernel'),
      onEvent: (event) => this.#tell(event),
      ...(answers.includes('input') ? {onInput: async (prompt: string, password: boolean) => String(await this.#call('input', {prompt, password}))} : {}),
    })
    if (this.#interrupted) this.#interrupt()
    return this.#execution.result
  }

  #interrupt(): void {
    this.#interrupted = true
    // a client that has to go on without us knows then that it need not do it again
    void this.#execution?.interrupt().then(() => this.#options.wire.say({t: 'interrupted'})).catch(() => undefined)
  }

  #tell(event: ExecutionEvent): void | Promise<void> {
    const {wire} = this.#options
    if (this.#early) this.#early.push(event)
    else this.#recorder?.onEvent(event)
    if (event.type === 'stdout' || event.type === 'stderr') return wire.bytes(event.type, event.data)
    // who has not heard it may run the code another way, and then it must not be run here
    if (event.type === 'started') {
      this.#started = true
      return wire.sayForSure({t: 'event', event, kernelId: this.#execution?.kernelId}).then(() => Promise.race([this.#mayRun.promise, this.#left.promise]))
    }
    return wire.say({t: 'event', event})
  }

  #host(answers: string[]): KernelHost {
    return {
      secret: async (name) => {
        const answer = await this.#call('secret', {name})
        const {exists, access} = (answer ?? {}) as {exists?: unknown; access?: unknown} // nothing is granted to code that runs here
        return {exists: exists === true, access: access === true}
      },
      ...(answers.includes('consent')
        ? {consent: async ({message, url, signal}: {message: string; url: string; signal?: AbortSignal}) => (await this.#call('consent', {message, url}, signal)) === true}
        : {}),
    }
  }

  #call(name: string, args: Record<string, unknown>, signal?: AbortSignal): Promise<unknown> {
    const {wire} = this.#options
    const n = ++this.#n
    const call = Promise.withResolvers<unknown>()
    this.#calls.set(n, call)
    signal?.addEventListener('abort', () => void wire.say({t: 'cancel', n}), {once: true})
    void wire.say({t: 'call', n, name, args})
    return call.promise
  }
}
