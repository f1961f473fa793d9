import type {Socket} from 'node:net'

type Done = (error?: Error | null) => void

export interface WriteShape {
  /** nothing leaves; whoever writes believes that it did */
  discard?: boolean | undefined
  /** bytes of the body (what follows the head of the answer) that may leave; then the connection is reset */
  cutAfter?: number | undefined
  bytesPerSecond?: number | undefined
}

const tickMs = 50

/** Bends what is written to this socket from now on, whoever writes: an answer, or the frames of a WebSocket. */
export function shapeWrites(socket: Socket, {discard, cutAfter, bytesPerSecond}: WriteShape): void {
  const write = socket.write.bind(socket) as (data: Buffer, done?: Done) => boolean // the one of its overloads that is used here
  const end = socket.end.bind(socket)
  const destroySoon = socket.destroySoon.bind(socket)
  const pass = cutAfter === undefined ? write : cutting(socket, write, cutAfter)
  const slow = bytesPerSecond === undefined ? undefined : new Drip(pass, bytesPerSecond, socket)

  socket.write = (data: string | Uint8Array, second?: BufferEncoding | Done, third?: Done) => {
    const done = typeof second === 'function' ? second : third
    const bytes = typeof data === 'string' ? Buffer.from(data, typeof second === 'string' ? second : 'utf8') : Buffer.from(data)
    if (discard) {
      process.nextTick(() => done?.())
      return true
    }
    return slow ? slow.write(bytes, done) : pass(bytes, done)
  }
  if (!slow) return
  // what is still queued must leave before the connection is closed
  socket.end = (...args: []) => {
    slow.whenEmpty(() => end(...args))
    return socket
  } // http and ws call it without data
  socket.destroySoon = () => slow.whenEmpty(destroySoon)
}

function cutting(socket: Socket, write: (data: Buffer, done?: Done) => boolean, limit: number): (data: Buffer, done?: Done) => boolean {
  let left = limit
  let head = true
  let seen = Buffer.alloc(0)
  return (data, done) => {
    let from = 0
    if (head) {
      seen = Buffer.concat([seen, data])
      const at = seen.indexOf('\r\n\r\n')
      if (at === -1) return write(data, done)
      from = at + 4 - (seen.length - data.length)
      head = false
      seen = Buffer.alloc(0)
    }
    const body = data.length - from
    if (body < left) {
      left -= body
      return write(data, done)
    }
    // the first part leaves, then the reset
    write(data.subarray(0, from + left), () => socket.resetAndDestroy())
    left = 0
    process.nextTick(() => done?.())
    return true
  }
}

/** A queue that lets so many bytes a second through. */
class Drip {
  readonly #queue: {data: Buffer; done: Done | undefined}[] = []
  readonly #waiting: (() => void)[] = []
  readonly #pass: (data: Buffer, done?: Done) => boolean
  readonly #perTick: number
  readonly #waitMs: number
  readonly #socket: Socket
  #timer: NodeJS.Timeout | undefined

  constructor(pass: (data: Buffer, done?: Done) => boolean, bytesPerSecond: number, socket: Socket) {
    this.#pass = pass
    this.#perTick = Math.max(1, Math.round((bytesPerSecond * tickMs) / 1000))
    this.#waitMs = Math.max(tickMs, 1000 / bytesPerSecond)
    this.#socket = socket
    socket.once('close', () => clearInterval(this.#timer))
  }

  write(data: Buffer, done: Done | undefined): boolean {
    this.#queue.push({data, done})
    this.#timer ??= setInterval(() => this.#tick(), this.#waitMs)
    return true
  }

  whenEmpty(then: () => void): void {
    if (this.#queue.length === 0) then()
    else this.#waiting.push(then)
  }

  #tick(): void {
    if (this.#socket.destroyed) return
    for (let room = this.#perTick; room > 0 && this.#queue.length > 0;) {
      const first = this.#queue[0]
      if (first === undefined) break
      const part = first.data.subarray(0, room)
      room -= part.length
      first.data = first.data.subarray(part.length)
      const last = first.data.length === 0
      if (last) this.#queue.shift()
      this.#pass(part, last ? first.done : undefined)
    }
    if (this.#queue.length > 0) return
    clearInterval(this.#timer)
    this.#timer = undefined
    for (const then of this.#waiting.splice(0)) then()
  }
}
