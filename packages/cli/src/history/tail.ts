/** So much of a stream's end is kept; twice as much until then, so that a secret which begins before it is still whole. */
const keptBytes = 4 * 1024
const heldBytes = 2 * keptBytes

/** The end of a stream. What comes costs nothing: chunks are referred to, not copied. */
export class Tail {
  #chunks: Uint8Array[] = []
  #held = 0
  #cut = false

  add(chunk: Uint8Array): void {
    this.#chunks.push(chunk)
    this.#held += chunk.length
    for (let first = this.#chunks[0]; first && this.#held - first.length >= heldBytes; first = this.#chunks[0]) {
      this.#chunks.shift()
      this.#held -= first.length
      this.#cut = true
    }
    // many small ones each hold on to the frame that they came in
    if (this.#chunks.length > 512) this.#chunks = [Buffer.concat(this.#chunks)]
  }

  /** The text, made clean by `redact`, which learns whether something is missing before it; undefined when there is none. */
  text(redact: (text: string, cut: boolean) => string): string | undefined {
    if (this.#held === 0) return undefined
    const bytes = Buffer.concat(this.#chunks)
    const cut = this.#cut || bytes.length > heldBytes
    const clean = redact(bytes.subarray(Math.max(0, bytes.length - heldBytes)).toString('utf8').replace(/^\ufffd{1,3}/, ''), cut)
    return clean.length <= keptBytes ? clean : clean.slice(-keptBytes).replace(/^[\udc00-\udfff]/, '')
  }
}
