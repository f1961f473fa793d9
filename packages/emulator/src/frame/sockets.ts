import type {Socket} from 'node:net'

/** The connections of one site, which can be frozen: nothing is read, nothing leaves, nobody hangs up. A half-open link. */
export class Sockets {
  readonly #all = new Set<Socket>()
  /** accepted while frozen: not handed on yet */
  #waiting: (() => void)[] = []
  #frozen = false

  get frozen(): boolean {
    return this.#frozen
  }

  get size(): number {
    return this.#all.size
  }

  /** Takes a new connection in, and hands it on now or when thawed. */
  take(socket: Socket, handOn: () => void): void {
    this.#all.add(socket)
    socket.once('close', () => this.#all.delete(socket))
    // a peer that goes away is everyday here; who uses the socket has listeners of its own
    socket.on('error', () => {})
    if (this.#frozen) this.#waiting.push(handOn)
    else handOn()
  }

  /** Resolves at once, or when thawed. */
  async passing(): Promise<void> {
    if (this.#frozen) await new Promise<void>((resolve) => this.#waiting.push(resolve))
  }

  freeze(): void {
    if (this.#frozen) return
    this.#frozen = true
    for (const socket of this.#all) {
      socket.cork()
      socket.pause()
    }
  }

  thaw(): void {
    if (!this.#frozen) return
    this.#frozen = false
    for (const socket of this.#all) {
      socket.uncork()
      socket.resume()
    }
    for (const go of this.#waiting.splice(0)) go()
  }

  /** Hangs up on everyone, by RST when asked. */
  destroy(reset = false): void {
    this.#waiting = []
    for (const socket of this.#all) {
      // a reset after an orderly end has begun fails, and leaves a handle that keeps the process from ending
      if (reset && !socket.writableEnded) socket.resetAndDestroy()
      else socket.destroy()
    }
  }
}
