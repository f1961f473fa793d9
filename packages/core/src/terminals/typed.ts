import {remoteCode} from '../agent/problem.ts'

/** Takes input from an offset on; answers how much was taken in all so far. Asked again, it takes nothing twice. */
export type Taker = (offset: number, data: Uint8Array) => Promise<number>

const pieceBytes = 64 << 10
/** Keys do not wait for the answers of those before them. */
const underWay = 32
/** A program that reads nothing is asked again after so long. */
const pauseMs = 100

/**
 * What a person types, on its way to the machine: in order, each byte once, whatever happens to the link. Many pieces are under
 * way at a time; after a failure they are sent again from where the machine says it stands.
 */
export class Typed {
  readonly #take: Taker
  #pending: Uint8Array[] = []
  /** of the first byte in #pending */
  #taken = 0
  #sent = 0
  #end = 0
  #flying = 0
  #troubled = false
  #closed = false

  constructor(take: Taker) {
    this.#take = take
  }

  /** bytes that the machine has not taken yet */
  get waiting(): number {
    return this.#end - this.#taken
  }

  push(data: Uint8Array): void {
    if (data.length === 0 || this.#closed) return
    this.#pending.push(data)
    this.#end += data.length
    this.#pump()
  }

  /** What was not taken by now is dropped. */
  close(): void {
    this.#closed = true
    this.#pending = []
  }

  #pump(): void {
    while (!this.#closed && !this.#troubled && this.#flying < underWay && this.#sent < this.#end) {
      const piece = this.#piece(this.#sent)
      const offset = this.#sent
      this.#sent += piece.length
      this.#flying++
      this.#take(offset, piece).then((taken) => this.#landed(taken, offset + piece.length), (error: unknown) => this.#failed(error))
    }
  }

  #landed(taken: number, wanted: number): void {
    this.#flying--
    this.#drop(taken)
    if (taken < wanted) this.#troubled = true
    this.#next()
  }

  #failed(error: unknown): void {
    this.#flying--
    this.#troubled = true
    // it is over: whoever reads its output learns how
    const code = remoteCode(error)
    if (code === 'NOT_RUNNING' || code === 'NOT_FOUND') this.close()
    this.#next()
  }

  #next(): void {
    if (!this.#troubled) return this.#pump()
    if (this.#flying > 0 || this.#closed) return
    setTimeout(() => void this.#recover(), pauseMs).unref()
  }

  /** Nothing is under way: from where the machine stands. */
  async #recover(): Promise<void> {
    if (this.#closed) return
    try {
      this.#drop(await this.#take(0, new Uint8Array()))
      this.#sent = this.#taken
      this.#troubled = false
      this.#pump()
    } catch (error) {
      this.#flying++
      this.#failed(error)
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
