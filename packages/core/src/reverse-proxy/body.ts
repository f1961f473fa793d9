import type {Readable, Writable} from 'node:stream'

/** A body up to this size is kept until its request is answered, so that it can be sent again. */
const keptBytes = 256 * 1024

/** A request's body on its way to the upstream: it goes as fast as the upstream takes it, and a small one can be sent twice. */
export class RequestBody {
  readonly #source: Readable
  #kept: Buffer[] = []
  #size = 0
  #ended = false
  #sink: Writable | undefined
  #stop: () => void = () => undefined

  constructor(source: Readable) {
    this.#source = source
    source.on('data', (chunk: Buffer) => this.#take(chunk))
    source.once('end', () => {
      this.#ended = true
      this.#sink?.end()
    })
    source.pause()
  }

  /** Whether all that was sent is still known. */
  get repeatable(): boolean {
    return this.#size <= keptBytes
  }

  /** From its first byte on; whoever it was sent to before gets no more of it. */
  sendTo(sink: Writable): void {
    this.#stop()
    this.#sink = sink
    const resume = (): void => void this.#source.resume()
    sink.on('drain', resume)
    this.#stop = () => sink.off('drain', resume)
    for (const chunk of this.#kept) sink.write(chunk)
    if (this.#ended) sink.end()
    else resume()
  }

  /** The rest is read, and goes nowhere: a client that still sends would not see its answer. */
  discard(): void {
    this.#stop()
    this.#sink = undefined
    this.#kept = []
    this.#source.resume()
  }

  #take(chunk: Buffer): void {
    this.#size += chunk.length
    if (this.repeatable) this.#kept.push(chunk)
    else this.#kept = []
    if (this.#sink && !this.#sink.destroyed && !this.#sink.write(chunk)) this.#source.pause()
  }
}
