import type {Channel, Message} from './contract.ts'
import type {JupyterError} from './errors.ts'

/** Something of ours that a kernel answers: messages whose parent is its id are its own. */
export interface Exchange {
  readonly id: string
  /** A promise holds back everything received later: that is the back pressure. */
  handle(message: Message): void | Promise<void>
  fail(error: unknown): void
  /** The link is gone. True: it outlives that and waits for the next link; false: it failed itself. */
  linkLost(error: JupyterError): boolean
}

/** A plain request: over at the reply on its own channel, or, with `untilIdle`, at the reply and iopub's idle. */
export class Request implements Exchange {
  readonly id: string
  readonly channel: Channel
  readonly promise: Promise<Message>
  /** resolves at the reply, where `promise` still waits for the idle */
  readonly replied: Promise<void>
  readonly #untilIdle: boolean
  readonly #resolve: (message: Message) => void
  readonly #reject: (error: unknown) => void
  readonly #onReply: () => void
  #reply: Message | undefined
  #idle = false

  constructor(id: string, channel: Channel, untilIdle: boolean) {
    this.id = id
    this.channel = channel
    this.#untilIdle = untilIdle
    const {promise, resolve, reject} = Promise.withResolvers<Message>()
    this.promise = promise
    this.#resolve = resolve
    this.#reject = reject
    promise.catch(() => {})
    const replied = Promise.withResolvers<void>()
    this.replied = replied.promise
    this.#onReply = replied.resolve
  }

  handle(message: Message): void {
    if (message.channel === this.channel && message.header.msg_type.endsWith('_reply')) {
      this.#reply = message
      this.#onReply()
    }
    if (message.channel === 'iopub' && message.header.msg_type === 'status' && message.content['execution_state'] === 'idle') this.#idle = true
    if (this.#reply && (this.#idle || !this.#untilIdle)) this.#resolve(this.#reply)
  }

  fail(error: unknown): void {
    this.#reject(error)
  }

  linkLost(error: JupyterError): boolean {
    this.#reject(error)
    return false
  }
}
