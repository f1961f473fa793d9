import type {WebSocket} from 'ws'
import {JupyterError} from './errors.ts'

/** A server closes the socket (1009) on a frame above this. */
export const maxFrameBytes = 10 * 1024 * 1024
/** Bigger messages travel as WebSocket fragments, so that pings pass between them and slow lines show progress. */
const fragmentBytes = 512 * 1024
/** Above this much unsent, `send` waits for the wire. */
const highWaterBytes = 1024 * 1024

/** Sends messages in order. `send` resolves at once while little is waiting, else when its bytes are with the system. */
export class SendQueue {
  readonly #ws: WebSocket
  #tail: Promise<void> = Promise.resolve()
  #length = 0
  #flushed = 0

  constructor(ws: WebSocket) {
    this.#ws = ws
  }

  /** How many sends that had to wait are through: progress. Small ones vanish in the system's buffer, of a dead link too. */
  get flushed(): number {
    return this.#flushed
  }

  send(frame: string | Uint8Array, onFirstByte?: () => void): Promise<void> {
    const length = typeof frame === 'string' ? Buffer.byteLength(frame) : frame.length
    if (length > maxFrameBytes) {
      const size = (length / 1024 / 1024).toFixed(1)
      return Promise.reject(new JupyterError('TOO_BIG', `a message of ${size} MiB is too big: Jupyter servers take at most 10 MiB`))
    }
    // nothing ahead: written in this very turn
    const turn = this.#length === 0 ? this.#write(frame, onFirstByte) : this.#tail.then(() => this.#write(frame, onFirstByte))
    this.#length++
    const leave = (): void => {
      this.#length--
    }
    this.#tail = turn.then(leave, leave)
    return turn
  }

  async #write(frame: string | Uint8Array, onFirstByte: (() => void) | undefined): Promise<void> {
    if (this.#ws.readyState !== this.#ws.OPEN) throw new JupyterError('NETWORK', 'the kernel connection was lost before the message was sent')
    onFirstByte?.()
    const binary = typeof frame !== 'string'
    if (frame.length <= fragmentBytes) {
      const flushed = this.#send(frame, binary, true)
      if (this.#ws.bufferedAmount > highWaterBytes) {
        await flushed
        this.#flushed++
      } else flushed.catch(() => {})
      return
    }
    const bytes = typeof frame === 'string' ? Buffer.from(frame) : frame
    for (let start = 0; start < bytes.length; start += fragmentBytes) {
      const end = start + fragmentBytes
      await this.#send(bytes.subarray(start, end), binary, end >= bytes.length)
      this.#flushed++
    }
  }

  #send(data: string | Uint8Array, binary: boolean, fin: boolean): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#ws.send(data, {binary, fin}, error => {
        if (error) reject(new JupyterError('NETWORK', `the kernel connection was lost (${error.message})`, {cause: error}))
        else resolve()
      })
    })
  }
}
