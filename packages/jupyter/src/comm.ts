import {randomUUID} from 'node:crypto'
import type {Message} from './contract.ts'
import {isObject, optionalString} from './guard.ts'
import type {Json} from './guard.ts'

/** A comm's callbacks. A promise returned by `onMessage` holds back everything received after. */
export interface CommHandlers {
  onMessage?(data: Json, buffers: Uint8Array[]): void | Promise<void>
  /** The kernel closed it, does not know the target, or is gone. */
  onClose?(data: Json): void
  /** The link was lost and is back: messages may have been missed, in both directions. */
  onGap?(reason: 'reconnected' | 'new-session'): void
}

export type CommSend = (msgType: string, content: object, buffers: readonly Uint8Array[]) => Promise<void>

/** One end of a Jupyter comm: a channel of JSON data with binary buffers into the kernel. */
export class Comm {
  readonly id: string
  readonly target: string
  /** Resolves when the open message is on its way; rejects when it could not be sent, and then this comm is closed. */
  readonly opened: Promise<void>
  readonly #send: CommSend
  readonly #onClosed: () => void
  #closed = false

  constructor(send: CommSend, onClosed: () => void, id: string, target: string, data: object, buffers: readonly Uint8Array[]) {
    this.#send = send
    this.#onClosed = onClosed
    this.id = id
    this.target = target
    this.opened = send('comm_open', {comm_id: id, target_name: target, data}, buffers)
    this.opened.catch(() => this.markClosed())
  }

  get closed(): boolean {
    return this.#closed
  }

  /** Resolves when the bytes are with the system: wait for it between big ones. NETWORK while the link is down: not sent. */
  send(data: object, buffers: readonly Uint8Array[] = []): Promise<void> {
    return this.#send('comm_msg', {comm_id: this.id, data}, buffers)
  }

  async close(data: object = {}): Promise<void> {
    if (this.#closed) return
    this.markClosed()
    await this.#send('comm_close', {comm_id: this.id, data}, [])
  }

  /** Called by the connection when the other end is gone. */
  markClosed(): void {
    this.#closed = true
    this.#onClosed()
  }
}

/** The comms of one connection. */
export class CommTable {
  readonly #send: CommSend
  readonly #open = new Map<string, {comm: Comm; handlers: CommHandlers}>()

  constructor(send: CommSend) {
    this.#send = send
  }

  get size(): number {
    return this.#open.size
  }

  open(target: string, data: object, handlers: CommHandlers, buffers: readonly Uint8Array[]): Comm {
    const id = randomUUID()
    const comm = new Comm(this.#send, () => this.#open.delete(id), id, target, data, buffers)
    this.#open.set(id, {comm, handlers})
    return comm
  }

  owns(message: Message): boolean {
    return this.#open.has(optionalString(message.content, 'comm_id') ?? '')
  }

  /** A comm_msg or comm_close of the kernel; its parent may be anybody's, its comm id is ours or not. */
  handle(message: Message): void | Promise<void> {
    const entry = this.#open.get(optionalString(message.content, 'comm_id') ?? '')
    if (!entry) return
    const data = isObject(message.content['data']) ? message.content['data'] : {}
    if (message.header.msg_type === 'comm_msg') return entry.handlers.onMessage?.(data, message.buffers)
    entry.comm.markClosed()
    entry.handlers.onClose?.(data)
  }

  gap(reason: 'reconnected' | 'new-session'): void {
    // a handler may open another one: that one is not meant
    const open = [...this.#open.values()]
    for (const {handlers} of open) handlers.onGap?.(reason)
  }

  /** The kernel's process is gone, or this connection is. */
  closeAll(): void {
    const open = [...this.#open.values()]
    for (const {comm, handlers} of open) {
      comm.markClosed()
      handlers.onClose?.({})
    }
  }
}
