/** How input gets to the machine. */
export interface Taker {
  /** Sends input from an offset on, and waits for nothing; it may be lost. `Typed.taken` is told what arrived. */
  send: (offset: number, data: Uint8Array) => void
  /** Asks how much was taken so far. */
  ask: () => Promise<number>
}

const pieceBytes = 32 << 10
/** So much is under way at a time. */
const windowBytes = 128 << 10
/** A program that reads nothing is tried again after so long. */
const pauseMs = 100
/** What is not heard of for so long is asked for. */
const lateMs = 2_000

/**
 * What a person types, on its way to the machine: in order, each byte once, whatever happens to the link. Keys wait for no answers;
 * what did not arrive is sent again from where the machine says it stands.
 */
export class Typed {
  readonly #to: Taker
  #pending: Uint8Array[] = []
  /** of the first byte in #pending */
  #taken = 0
  #sent = 0
  #end = 0
  #closed = false
  #pausing = false
  #timer: NodeJS.Timeout | undefined

  constructor(to: Taker) {
    this.#to = to
  }

  /** bytes that the machine is not known to have taken */
  get waiting(): number {
    return this.#end - this.#taken
  }

  push(data: Uint8Array): void {
    if (data.length === 0 || this.#closed) return
    this.#pending.push(data)
    this.#end += data.length
    this.#pump()
  }

  /** So much was taken; `again`: what was sent behind it was not, and is to be sent again. */
  taken(count: number, {again = false, atOnce = false} = {}): void {
    this.#drop(count)
    if (again) {
      this.#sent = this.#taken
      if (!atOnce && this.#sent < this.#end) return this.#pause()
    }
    this.#pump()
    this.#watch()
  }

  /** What was not taken by now is dropped. */
  close(): void {
    this.#closed = true
    this.#pending = []
    clearTimeout(this.#timer)
  }

  #pump(): void {
    while (!this.#closed && !this.#pausing && this.#sent < this.#end && this.#sent - this.#taken < windowBytes) {
      const piece = this.#piece(this.#sent)
      this.#to.send(this.#sent, piece)
      this.#sent += piece.length
    }
    if (!this.#timer) this.#watch()
  }

  #pause(): void {
    if (this.#pausing) return
    this.#pausing = true
    setTimeout(() => {
      this.#pausing = false
      this.#sent = this.#taken
      this.#pump()
    }, pauseMs).unref()
  }

  #watch(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    if (this.#closed || this.#sent === this.#taken) return
    this.#timer = setTimeout(() => void this.#ask(), lateMs).unref()
  }

  async #ask(): Promise<void> {
    try {
      this.taken(await this.#to.ask(), {again: true, atOnce: true})
    } catch {
      // whoever reads the output learns that it is over, or comes back and tells how much was taken
      this.#watch()
    }
  }

  #drop(taken: number): void {
    while (this.#taken < taken) {
      const [first] = this.#pending
      if (!first) break
      const count = Math.min(first.length, taken - this.#taken)
      if (count === first.length) this.#pending.shift()
      else this.#pending[0] = first.subarray(count)
      this.#taken += count
    }
    this.#sent = Math.max(this.#sent, this.#taken)
  }

  #piece(offset: number): Uint8Array {
    const parts: Uint8Array[] = []
    let at = this.#taken
    let room = pieceBytes
    for (const one of this.#pending) {
      const from = Math.max(0, offset - at)
      at += one.length
      if (from >= one.length) continue
      const part = one.subarray(from, from + room)
      parts.push(part)
      room -= part.length
      if (room === 0) break
    }
    const [only] = parts
    return parts.length === 1 && only ? only : Buffer.concat(parts)
  }
}
