import type {Socket} from 'node:net'
import {encodeFrame, encodeJson, type Frame, FrameDecoder, FrameKind, maxFrameBytes, maxSaidBytes} from './frames.ts'

/** Something said: an object whose `t` tells what. */
export interface Said {
  t: string
  [name: string]: unknown
}

export interface WireHandlers {
  said: (message: Said) => void | Promise<void>
  bytes?: (stream: 'stdout' | 'stderr', data: Uint8Array) => void | Promise<void>
  /** once; nothing more comes. `why` where the other side broke the rules. */
  closed: (why?: string) => void
}

/** Frames over a socket, one at a time: while a handler is busy nothing is read, so that nothing piles up. */
export class Wire {
  readonly #socket: Socket
  readonly #decoder: FrameDecoder
  #handlers: WireHandlers
  #parts: Uint8Array[] = []
  /** chunks so far: whether anything came */
  heard = 0
  #busy = false
  #over = false
  #ended = false

  constructor(socket: Socket, {limit, ...handlers}: WireHandlers & {limit?: number}) {
    this.#socket = socket
    this.#handlers = handlers
    this.#decoder = new FrameDecoder(limit)
    socket.on('data', (chunk: Uint8Array) => {
      this.heard++
      this.#decoder.push(chunk)
      this.#pump()
    })
    // the reason is told by 'close', which follows
    socket.on('error', () => undefined)
    socket.on('close', () => {
      this.#ended = true
      this.#pump()
    })
  }

  /** Whether nothing can be said any more. */
  get closed(): boolean {
    return this.#over || this.#socket.destroyed
  }

  /** Whether a handler is at work. */
  get busy(): boolean {
    return this.#busy
  }

  set limit(bytes: number) {
    this.#decoder.limit = bytes
  }

  handle(handlers: WireHandlers): void {
    this.#handlers = handlers
  }

  say(message: Said): void | Promise<void> {
    return this.#write(encodeJson(message))
  }

  bytes(stream: 'stdout' | 'stderr', data: Uint8Array): void | Promise<void> {
    if (data.length <= maxFrameBytes) return this.#write(encodeFrame(FrameKind[stream], data))
    let waiting: void | Promise<void> = undefined
    for (let at = 0; at < data.length; at += maxFrameBytes) waiting = this.#write(encodeFrame(FrameKind[stream], data.subarray(at, at + maxFrameBytes)))
    return waiting
  }

  /** Says it and waits until the system has it: from then on the other side can read it, whatever becomes of this one. Rejects when it is gone. */
  sayForSure(message: Said): Promise<void> {
    return new Promise((resolve, reject) => {
      if (this.closed) return reject(new Error('nobody listens any more'))
      this.#socket.write(encodeJson(message), (error) => (error ? reject(error) : resolve()))
    })
  }

  /** Says what was said, then ends. */
  end(): void {
    this.#socket.end()
  }

  destroy(): void {
    this.#socket.destroy()
  }

  unref(): void {
    this.#socket.unref()
  }

  #write(frame: Uint8Array): void | Promise<void> {
    if (this.closed || this.#socket.write(frame)) return
    return new Promise((resolve) => {
      const go = (): void => {
        this.#socket.off('drain', go).off('close', go)
        resolve()
      }
      this.#socket.once('drain', go).once('close', go)
    })
  }

  #pump(): void {
    try {
      while (!this.#busy && !this.#over) {
        const frame = this.#decoder.next()
        if (!frame) {
          if (this.#ended) this.#close()
          return
        }
        const working = this.#deliver(frame)
        if (!working) continue
        this.#busy = true
        this.#socket.pause()
        working.then(() => {
          this.#busy = false
          this.#socket.resume()
          this.#pump()
        }, (error: unknown) => this.#close(String(error)))
      }
    } catch (error) {
      this.#close(error instanceof Error ? error.message : String(error))
    }
  }

  #deliver({kind, body}: Frame): void | Promise<void> {
    if (kind === FrameKind.stdout || kind === FrameKind.stderr) return this.#handlers.bytes?.(kind === FrameKind.stdout ? 'stdout' : 'stderr', body)
    if (this.#parts.length === 0 && kind === FrameKind.json) return this.#handlers.said(parse(body))
    this.#parts.push(body)
    const size = this.#parts.reduce((sum, part) => sum + part.length, 0)
    if (size > maxSaidBytes) throw new RangeError(`a message of more than ${maxSaidBytes} bytes`)
    if (kind === FrameKind.part) return
    return this.#handlers.said(parse(Buffer.concat(this.#parts.splice(0))))
  }

  #close(why?: string): void {
    if (this.#over) return
    this.#over = true
    this.#socket.destroy()
    this.#handlers.closed(why)
  }
}

function parse(body: Uint8Array): Said {
  const value: unknown = JSON.parse(Buffer.from(body.buffer, body.byteOffset, body.length).toString('utf8'))
  if (typeof value === 'object' && value !== null && 't' in value && typeof value.t === 'string') return {...value, t: value.t}
  throw new Error('something else than a message was said')
}
