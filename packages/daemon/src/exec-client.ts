import type {ExecutionEvent} from '@cgpu/core/execution/events'
import type {ExecOutcome} from '@cgpu/core/execution/exec'
import type {ClientContext} from './context.ts'
import {greetingLimitMs} from './connect.ts'
import {failureOf, type RemoteFailure} from './failure.ts'
import type {Said, Wire} from './wire.ts'

/** What is asked of the daemon; `ExecRequest` of core, as data. */
export interface ExecQuestion {
  id: string
  code: string
  runtime?: string | undefined
  kernel?: string | undefined
  freshKernel?: boolean | undefined
  timeoutMs?: number | undefined
  /** other flags as they were typed, for the record */
  told?: Record<string, string | boolean>
  /** parsed flags that are settings */
  flags: Record<string, unknown>
  context: ClientContext
  /** which of the calls below are answered */
  answers: string[]
}

export interface ExecHandlers {
  /** the runtime that was chosen, before anything else */
  selected: (runtime: {id: string; name: string; provider: string}) => void | Promise<void>
  event: (event: ExecutionEvent) => void | Promise<void>
  /** asked when all is ready, before the code goes to the kernel; what it throws is how the execution ends */
  mayRun?: (() => Promise<void>) | undefined
  warning: (message: string) => void
  /** a question of the machine or of the code; what it resolves with goes back */
  call: (name: string, args: Record<string, unknown>, signal: AbortSignal) => Promise<unknown>
}

export type ExecEnd =
  | {kind: 'done'; outcome: ExecOutcome}
  | {kind: 'failed'; failure: RemoteFailure}
  /** the daemon is gone, or would not; `started`: the code may have reached the kernel */
  | {kind: 'lost'; started: boolean; why: string}

const pingMs = 150
/** code that runs is not in a hurry; before it runs there is another way */
const earlySilenceMs = 1.5 * greetingLimitMs
const silenceMs = Math.max(3_000, earlySilenceMs)

/** One execution by the daemon, over a connection of its own. */
export class DaemonExec {
  readonly #wire: Wire
  readonly #handlers: ExecHandlers
  readonly #calls = new Map<number, AbortController>()
  #started = false
  #kernelId = ''
  #interrupted = false

  constructor(wire: Wire, handlers: ExecHandlers) {
    this.#wire = wire
    this.#handlers = handlers
  }

  /** of the kernel that has the code, once it was told */
  get kernelId(): string {
    return this.#kernelId
  }

  /** whether the code was interrupted for `interrupt`, as far as the daemon told */
  get interrupted(): boolean {
    return this.#interrupted
  }

  interrupt(): void {
    void this.#wire.say({t: 'interrupt'})
  }

  /** Goes; the code stays where it is. */
  leave(): void {
    this.#wire.destroy()
  }

  /**
   * Runs it. The daemon tells `started` and sends nothing to the kernel before that was answered with `run`: so it is always known
   * whether going another way could run it twice. One that hangs is noticed by its silence.
   */
  run(question: ExecQuestion, limitMs: number): Promise<ExecEnd> {
    const {promise, resolve} = Promise.withResolvers<ExecEnd>()
    const lost = (why: string): void => {
      resolve({kind: 'lost', started: this.#started, why})
      this.#wire.destroy()
      for (const call of this.#calls.values()) call.abort()
    }
    const timer = setTimeout(() => lost(`it did not answer within ${Math.round(limitMs)} ms`), limitMs)
    let watching: NodeJS.Timeout | undefined
    void promise.then(() => {
      clearTimeout(timer)
      clearInterval(watching)
    })
    this.#wire.handle({
      bytes: (stream, data) => this.#handlers.event({type: stream, data}),
      said: (message) => {
        switch (message.t) {
          case 'accepted':
            clearTimeout(timer)
            watching = this.#watch(lost)
            return undefined
          case 'refused':
            return lost(String(message['why']))
          case 'done':
            resolve({kind: 'done', outcome: message['outcome'] as ExecOutcome}) // a daemon of this very build made it
            return this.#wire.destroy()
          case 'failed':
            resolve({kind: 'failed', failure: message['failure'] as RemoteFailure}) // as above
            return this.#wire.destroy()
          default:
            return this.#during(message)
        }
      },
      closed: (why) => lost(why ?? 'the connection to it ended'),
    })
    void this.#wire.say({t: 'exec', ...question})
    return promise
  }

  #watch(lost: (why: string) => void): NodeJS.Timeout {
    let heardAt = performance.now()
    let heard = -1
    return setInterval(() => {
      // while our own reader is slow nothing is read
      if (this.#wire.heard !== heard || this.#wire.busy) heardAt = performance.now()
      heard = this.#wire.heard
      if (performance.now() - heardAt > (this.#started ? silenceMs : earlySilenceMs)) return lost('it does not answer any more')
      void this.#wire.say({t: 'ping'})
    }, pingMs)
  }

  #during(message: Said): void | Promise<void> {
    // what is said was made by a daemon of this very build
    switch (message.t) {
      case 'selected':
        return this.#handlers.selected(message['runtime'] as {id: string; name: string; provider: string})
      case 'event': {
        const event = message['event'] as ExecutionEvent
        if (event.type !== 'started') return this.#handlers.event(event)
        this.#kernelId = typeof message['kernelId'] === 'string' ? message['kernelId'] : ''
        return this.#handlers.mayRun ? this.#askFirst(event, this.#handlers.mayRun) : this.#run(event)
      }
      case 'interrupted':
        this.#interrupted = true
        return
      case 'warning':
        return this.#handlers.warning(String(message['message']))
      case 'call':
        return void this.#call(Number(message['n']), String(message['name']), message['args'] as Record<string, unknown>)
      case 'cancel':
        this.#calls.get(Number(message['n']))?.abort()
    }
  }

  #run(event: ExecutionEvent): void | Promise<void> {
    this.#started = true
    void this.#wire.say({t: 'run'})
    return this.#handlers.event(event)
  }

  async #askFirst(event: ExecutionEvent, mayRun: () => Promise<void>): Promise<void> {
    try {
      await mayRun()
    } catch (error) {
      return this.#wire.say({t: 'refuse', failure: failureOf(error)})
    }
    await this.#run(event)
  }

  async #call(n: number, name: string, args: Record<string, unknown>): Promise<void> {
    const controller = new AbortController()
    this.#calls.set(n, controller)
    try {
      const value = await this.#handlers.call(name, args, controller.signal)
      await this.#wire.say({t: 'answer', n, ok: true, value})
    } catch (error) {
      await this.#wire.say({t: 'answer', n, ok: false, failure: failureOf(error)})
    } finally {
      this.#calls.delete(n)
    }
  }
}
