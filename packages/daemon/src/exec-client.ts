import type {ExecutionEvent} from '@cgpu/core/execution/events'
import type {ExecOutcome} from '@cgpu/core/execution/exec'
import type {ClientContext} from './context.ts'
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
  warning: (message: string) => void
  /** a question of the machine or of the code; what it resolves with goes back */
  call: (name: string, args: Record<string, unknown>, signal: AbortSignal) => Promise<unknown>
}

export type ExecEnd =
  | {kind: 'done'; outcome: ExecOutcome}
  | {kind: 'failed'; failure: RemoteFailure}
  /** the daemon is gone, or would not; `started`: the code may have reached the kernel */
  | {kind: 'lost'; started: boolean; why: string}

/** One execution by the daemon, over a connection of its own. */
export class DaemonExec {
  readonly #wire: Wire
  readonly #handlers: ExecHandlers
  readonly #calls = new Map<number, AbortController>()
  #started = false

  constructor(wire: Wire, handlers: ExecHandlers) {
    this.#wire = wire
    this.#handlers = handlers
  }

  interrupt(): void {
    void this.#wire.say({t: 'interrupt'})
  }

  /** Goes; the code stays where it is. */
  leave(): void {
    this.#wire.destroy()
  }

  /**
   * Runs it. The daemon does nothing before it is told `go`, and tells `started` before the code is sent to the kernel: so it is
   * always known whether going another way could run it twice.
   */
  run(question: ExecQuestion, limitMs: number): Promise<ExecEnd> {
    const {promise, resolve} = Promise.withResolvers<ExecEnd>()
    const lost = (why: string): void => {
      resolve({kind: 'lost', started: this.#started, why})
      this.#wire.destroy()
      for (const call of this.#calls.values()) call.abort()
    }
    const timer = setTimeout(() => lost(`it did not answer within ${Math.round(limitMs)} ms`), limitMs)
    this.#wire.handle({
      bytes: (stream, data) => this.#handlers.event({type: stream, data}),
      said: (message) => {
        switch (message.t) {
          case 'accepted':
            clearTimeout(timer)
            return void this.#wire.say({t: 'go'})
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
      closed: (why) => {
        clearTimeout(timer)
        lost(why ?? 'the connection to it ended')
      },
    })
    void this.#wire.say({t: 'exec', ...question})
    return promise
  }

  #during(message: Said): void | Promise<void> {
    // what is said was made by a daemon of this very build
    switch (message.t) {
      case 'selected':
        return this.#handlers.selected(message['runtime'] as {id: string; name: string; provider: string})
      case 'event': {
        const event = message['event'] as ExecutionEvent
        if (event.type === 'started') this.#started = true
        return this.#handlers.event(event)
      }
      case 'warning':
        return this.#handlers.warning(String(message['message']))
      case 'call':
        return void this.#call(Number(message['n']), String(message['name']), message['args'] as Record<string, unknown>)
      case 'cancel':
        this.#calls.get(Number(message['n']))?.abort()
    }
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
