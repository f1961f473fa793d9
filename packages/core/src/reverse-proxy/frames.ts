/** Follows one direction of a WebSocket (RFC 6455, 5.2) without keeping anything of it. */
export class FrameReader {
  readonly #head: number[] = []
  /** bytes of the payload that are still to come */
  #left = 0
  #isData = false

  /** Whether the last byte that came was the last one of its frame, so that a frame of somebody else's may follow. */
  get between(): boolean {
    return this.#left === 0 && this.#head.length === 0
  }

  /** Takes what came. True when some of it belongs to a message, not only to pings and the like. */
  push(chunk: Buffer): boolean {
    let data = false
    let at = 0
    while (at < chunk.length) {
      if (this.#left === 0) {
        this.#head.push(chunk[at++] ?? 0)
        if (!this.#opened()) continue
      }
      data ||= this.#isData
      const taken = Math.min(this.#left, chunk.length - at)
      this.#left -= taken
      at += taken
    }
    return data
  }

  /** Reads the head once it is whole. False while it is not. */
  #opened(): boolean {
    const [first = 0, second] = this.#head
    if (second === undefined) return false
    const short = second & 0x7f
    const lengthBytes = short === 126 ? 2 : short === 127 ? 8 : 0
    if (this.#head.length < 2 + lengthBytes + ((second & 0x80) === 0 ? 0 : 4)) return false
    this.#left = lengthBytes === 0 ? short : this.#head.slice(2, 2 + lengthBytes).reduce((sum, byte) => sum * 256 + byte, 0)
    this.#isData = (first & 0x08) === 0
    this.#head.length = 0
    return true
  }
}
