import type {Json} from './guard.ts'

/** A comm's callbacks. A promise returned by `onMessage` holds back everything received after. */
export interface CommHandlers {
  onMessage?(data: Json, buffers: Uint8Array[]): void | Promise<void>
  /** The kernel closed it, does not know the target, or is gone. */
  onClose?(data: Json): void
  /** The link was lost and is back: messages may have been missed, in both directions. */
  onGap?(reason: 'reconnected' | 'new-session'): void
}

export interface CommHost {
  send(msgType: 'comm_open' | 'comm_msg' | 'comm_close', content: object, buffers: readonly Uint8Array[]): Promise<void>
  forget(id: string): void
}

/** One end of a Jupyter comm: a channel of JSON data with binary buffers into the kernel. */
export class Comm {
  readonly id: string
  readonly target: string
  /** Resolves when the open message is on its way; rejects when it could not be sent. */
  readonly opened: Promise<void>
  readonly #host: CommHost
  #closed = false

  constructor(host: CommHost, id: string, target: string, data: object, buffers: readonly Uint8Array[]) {
    this.#host = host
    this.id = id
    this.target = target
    this.opened = host.send('comm_open', {comm_id: id, target_name: target, data}, buffers)
    this.opened.catch(() => {})
  }

  get closed(): boolean {
    return this.#closed
  }

  /** Resolves when the bytes are with the system: wait for it between big ones. NETWORK while the link is down: not sent. */
  send(data: object, buffers: readonly Uint8Array[] = []): Promise<void> {
    return this.#host.send('comm_msg', {comm_id: this.id, data}, buffers)
  }

  async close(data: object = {}): Promise<void> {
    if (this.#closed) return
    this.markClosed()
    await this.#host.send('comm_close', {comm_id: this.id, data}, [])
  }

  /** Called by the connection when the other end is gone. */
  markClosed(): void {
    this.#closed = true
    this.#host.forget(this.id)
  }
}
