import type {ExecuteOptions, ExecuteResult, Message} from './contract.ts'
import type {JupyterError} from './errors.ts'
import type {Exchange} from './exchange.ts'
import {isObject, optionalNumber, optionalString} from './guard.ts'
import type {Json} from './guard.ts'

/** What an execution asks of its connection. */
export interface ExecutionHost {
  sendInput(value: string, request: Message): Promise<void>
  interrupt(): Promise<void>
  /** An interrupt that nobody here asked for: resolves when it is known that the kernel is still the same process. */
  confirm(execution: Execution): void
  /** Half of the end was seen, the other half may be lost: somebody should find out. */
  stalled(execution: Execution): void
}

/**
 * One execute request from sending to its end: shell reply and iopub idle, in either order.
 * A pure state machine but for its callbacks and one timer; reconnects are told to it by `gap`, `release` and `conclude`.
 */
export class Execution implements Exchange {
  readonly id: string
  readonly promise: Promise<ExecuteResult>
  /** Any message about it was seen: the kernel did get it. */
  started = false
  /** Its bytes were given to a socket, from which moment on it is never sent again. */
  sent = false
  /** The kernel was restarted before it was seen to start: it was lost with the old process, or waits in the new one. */
  restart: JupyterError | undefined
  /** An end is not believed before `release`: a restarted kernel's replayed reply looks like a user's interrupt. */
  held = false
  interruptAsked = false
  /** A process that had said goodbye has taken it up: what it leaves in memory goes with that one. */
  orphaned = false
  readonly #options: ExecuteOptions
  readonly #host: ExecutionHost
  readonly #resolve: (result: ExecuteResult) => void
  readonly #reject: (error: unknown) => void
  #reply: Json | undefined
  #error: ExecuteResult['error']
  #idle = false
  #replyMayBeLost = false
  #confirmed = false
  #confirming = false
  #over = false
  #stallTimer: NodeJS.Timeout | undefined

  constructor(id: string, options: ExecuteOptions, host: ExecutionHost) {
    this.id = id
    this.#options = options
    this.#host = host
    const {promise, resolve, reject} = Promise.withResolvers<ExecuteResult>()
    this.promise = promise
    this.#resolve = resolve
    this.#reject = reject
    promise.catch(() => {})
  }

  get over(): boolean {
    return this.#over
  }

  handle(message: Message): void | Promise<void> {
    if (this.#over) return
    this.started = true
    const told = this.#tell(message)
    const handled = this.#handle(message)
    return told instanceof Promise && handled instanceof Promise ? Promise.all([told, handled]).then(() => undefined) : told ?? handled
  }

  #tell(message: Message): void | Promise<void> {
    try {
      const wait: unknown = this.#options.onMessage?.(message)
      if (wait instanceof Promise) return this.#consumed(wait)
    } catch (error) {
      this.fail(error)
    }
  }

  #handle(message: Message): void | Promise<void> {
    if (this.#over) return
    const {channel, content} = message
    const type = message.header.msg_type
    if (channel === 'stdin' && type === 'input_request') return this.#input(message)
    if (channel === 'shell' && type === 'execute_reply') {
      this.#reply = content
      return this.#progress()
    }
    if (channel !== 'iopub') return
    if (type === 'status') {
      if (content['execution_state'] !== 'idle') return
      this.#idle = true
      return this.#progress()
    }
    if (type === 'comm_msg' || type === 'comm_close') return // no output; `onMessage` has it
    if (type === 'error') this.#error = readError(content)
    return this.#output(message)
  }

  custom(message: Message): void {
    if (this.#over) return
    try {
      this.#options.onCustom?.(message)
    } catch (error) {
      this.fail(error)
    }
  }

  /** The link was lost and is back. `new-session`: what was sent meanwhile is gone, the reply perhaps with it. */
  gap(reason: 'reconnected' | 'new-session'): void {
    if (this.#over) return
    if (reason === 'new-session') this.#replyMayBeLost = true
    this.#options.onGap?.(reason)
  }

  /** Its process is gone. What has its reply is over; of anything else nothing will be heard. */
  bury(error: JupyterError): void {
    if (!this.started) return
    if (this.#reply) this.conclude()
    else this.fail(error)
  }

  /** The kernel answers, and is not known to be another process than the one that this was sent to. */
  release(): void {
    if (this.#confirming) return
    this.held = false
    this.#progress()
  }

  /** An interrupt of unknown origin was not a restart. */
  confirm(): void {
    this.#confirmed = true
    this.#confirming = false
    this.held = false
    this.#progress()
  }

  /** The kernel has done everything that was sent before and with this: what was not seen will not come. */
  conclude(): void {
    if (this.#confirming) return
    this.held = false
    if (!this.started && this.restart) return this.fail(this.restart)
    if (this.#reply) this.#idle = true
    else this.#idle = this.#replyMayBeLost = true
    this.#progress()
  }

  fail(error: unknown): void {
    if (this.#over) return
    this.#end()
    this.#reject(error)
  }

  linkLost(_error: JupyterError): boolean {
    clearTimeout(this.#stallTimer)
    this.#stallTimer = undefined
    this.#confirming = false
    return !this.#over
  }

  #progress(): void {
    if (this.#over || this.held) return
    const complete = this.#idle && (this.#reply !== undefined || this.#replyMayBeLost)
    if (complete) {
      if (this.#reply && !this.#confirmed && !this.interruptAsked && isInterrupt(this.#reply)) {
        this.#confirming = this.held = true
        return this.#host.confirm(this)
      }
      return this.#finish()
    }
    // reply without idle or idle without reply: normally a matter of milliseconds
    if (this.#idle || this.#reply) {
      this.#stallTimer ??= setTimeout(() => {
        this.#stallTimer = undefined
        this.#host.stalled(this)
      }, 3_000)
    }
  }

  #output(message: Message): void | Promise<void> {
    try {
      const wait: unknown = this.#options.onOutput?.(message)
      if (wait instanceof Promise) return this.#consumed(wait)
    } catch (error) {
      this.fail(error)
    }
  }

  async #consumed(wait: Promise<unknown>): Promise<void> {
    try {
      await wait
    } catch (error) {
      this.fail(error)
    }
  }

  #input(message: Message): void {
    const {onInput} = this.#options
    if (!onInput) return
    const ask = async (): Promise<void> => {
      const value = await onInput(optionalString(message.content, 'prompt') ?? '', message.content['password'] === true)
      if (!this.#over) await this.#host.sendInput(value, message)
    }
    ask().catch((error: unknown) => {
      // the kernel would wait forever for an answer that nobody gives
      if (this.#over) return
      this.fail(error)
      this.#host.interrupt().catch(() => {})
    })
  }

  #finish(): void {
    this.#end()
    const reply = this.#reply
    if (!reply) {
      return this.#resolve({status: this.#error ? 'error' : 'unknown', error: this.#error, replyLost: true, started: this.started, orphaned: this.orphaned})
    }
    const status = readStatus(reply)
    this.#resolve({
      status,
      executionCount: optionalNumber(reply, 'execution_count'),
      error: status === 'error' ? readError(reply) : undefined,
      userExpressions: isObject(reply['user_expressions']) ? reply['user_expressions'] : undefined,
      pages: readPages(reply),
      nextInput: readNextInput(reply),
      replyLost: false,
      orphaned: this.orphaned,
      started: true,
    })
  }

  #end(): void {
    this.#over = true
    clearTimeout(this.#stallTimer)
  }
}

/** `abort` is what old kernels call it; a status nobody knows is not a success. */
function readStatus(reply: Json): 'ok' | 'error' | 'aborted' {
  if (reply['status'] === 'ok') return 'ok'
  return reply['status'] === 'aborted' || reply['status'] === 'abort' ? 'aborted' : 'error'
}

function payloadsOf(reply: Json, source: string): Json[] {
  const payload = reply['payload']
  return Array.isArray(payload) ? payload.filter((one: unknown): one is Json => isObject(one) && one['source'] === source) : []
}

function readPages(reply: Json): Json[] | undefined {
  const pages = payloadsOf(reply, 'page').flatMap(({data}) => (isObject(data) ? [data] : []))
  return pages.length > 0 ? pages : undefined
}

/** Of several, the last one counts, as in a notebook. */
function readNextInput(reply: Json): string | undefined {
  const last = payloadsOf(reply, 'set_next_input').at(-1)
  return last && optionalString(last, 'text')
}

function readError(content: Json): NonNullable<ExecuteResult['error']> {
  const lines = content['traceback']
  return {
    name: optionalString(content, 'ename') ?? '',
    value: optionalString(content, 'evalue') ?? '',
    traceback: Array.isArray(lines) ? lines.filter(line => typeof line === 'string') : [],
  }
}

function isInterrupt(reply: Json): boolean {
  return reply['status'] === 'error' && reply['ename'] === 'KeyboardInterrupt'
}
