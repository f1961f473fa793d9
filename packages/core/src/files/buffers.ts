/** Memory for pieces that is used again and again: fresh memory costs a page fault for every 4 KiB, and has to be collected. */
export class Buffers {
  readonly #own = new WeakSet<ArrayBufferLike>()
  readonly #free: ArrayBufferLike[] = []

  /** So many bytes, of any content. */
  take(size: number): Buffer {
    let memory = this.#free.pop()
    if (!memory || memory.byteLength < size) {
      memory = new ArrayBuffer(size)
      this.#own.add(memory)
    }
    return Buffer.from(memory, 0, size)
  }

  /** Nobody reads them any more. What was not taken here is left alone. */
  give({buffer}: Uint8Array): void {
    if (this.#own.has(buffer) && !this.#free.includes(buffer)) this.#free.push(buffer)
  }
}
