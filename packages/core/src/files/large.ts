import {createHash, type Hash} from 'node:crypto'
import {remoteCode} from '../agent/problem.ts'
import type {Slots} from '../agent/transfer.ts'
import {freeBuffers} from '../memory.ts'
import {damaged} from './frame.ts'
import type {Pace} from './pace.ts'
import {isChanged, isOfOneFile} from './problem.ts'
import type {Origin, Reader, Runs, Sink, Source, Writer} from './side.ts'
import {keyOf} from './unfinished.ts'

export interface LargeOptions {
  slots: Slots
  pace: Pace
  signal?: AbortSignal | undefined
  /** Of this file: how far it is. */
  onBytes?: ((done: number, total: number) => void) | undefined
}

const attempts = 3
/** of zeros in one message: the other end hashes them */
const zerosAtOnce = 256 << 20
const block = 64 << 10
/** bytes between two looks for buffers that can be freed */
const freeEvery = 32 << 20
const zeros = Buffer.alloc(4 << 20)

/** Copies a file in pieces, several under way, from where a former copy of the same content was cut. Its sha256 is equal at both ends. */
export async function copyLarge(source: Source, origin: Origin, sink: Pick<Sink, 'begin'>, to: string, options: LargeOptions): Promise<{size: number; sha256: string}> {
  for (let attempt = 1; ; attempt++) {
    const reader = await source.open(origin)
    let writer: Writer | undefined
    try {
      writer = await sink.begin(to, {size: reader.size, mtime: reader.mtime, mode: reader.mode, key: keyOf(reader.identity)})
      return {size: reader.size, sha256: await new Large(reader, writer, options).run()}
    } catch (error) {
      const again = attempt < attempts && !options.signal?.aborted
      // NOT_FOUND: the kernel that held it was restarted, and what is there of the file is gone on with
      const restarted = remoteCode(error) === 'NOT_FOUND' || remoteCode(error) === 'GAP'
      const anew = isChanged(error) || (error instanceof Error && 'code' in error && error.code === 'FILE_DAMAGED')
      await writer?.drop(!anew && (restarted || !isOfOneFile(error)) && !isFull(error)).catch(() => undefined)
      if (!again || !(restarted || anew) || !writer) throw error
    } finally {
      reader.close().catch(() => undefined) // it is forgotten after an hour anyway
    }
  }
}

/** On a full disk the half of a file would be in the way. */
function isFull(error: unknown): boolean {
  return error instanceof Error && 'code' in error && (error.code === 'CANNOT_WRITE' || error.code === 'REMOTE_DISK_FULL')
}

class Large {
  readonly #reader: Reader
  readonly #writer: Writer
  readonly #options: LargeOptions
  /** undefined: both ends hash the beginning, which nobody here has */
  #hash: Hash | undefined = createHash('sha256')
  /** up to where the source was asked, it was hashed, and the writer was told */
  #asked = 0
  #hashed = 0
  #told = 0
  /** the hole or the data that was reached */
  #extent = 0
  #done = 0
  #unfreed = 0
  #failure: {error: unknown} | undefined
  readonly #writing = new Set<Promise<void>>()

  constructor(reader: Reader, writer: Writer, options: LargeOptions) {
    this.#reader = reader
    this.#writer = writer
    this.#options = options
  }

  async run(): Promise<string> {
    await this.#prefix()
    await this.#pieces()
    this.#options.signal?.throwIfAborted()
    if (this.#failure) throw this.#failure.error
    this.#hashZeros(this.#reader.size)
    await this.#tellZeros(this.#reader.size, 1)
    const ours = this.#hash?.digest('hex')
    const theirs = await this.#reader.finish()
    const sha256 = ours ?? theirs
    if (sha256 === undefined || (theirs !== undefined && theirs !== sha256)) throw damaged('a file')
    await this.#writer.finish(sha256)
    return sha256
  }

  /** What is there already is hashed where it lies on this machine; where it lies on neither end, by both ends. */
  async #prefix(): Promise<void> {
    const {received} = this.#writer
    this.#asked = this.#hashed = this.#told = received
    if (received === 0) return
    if (this.#writer.prefix) this.#hash = await this.#writer.prefix()
    else if (this.#reader.hashes) this.#hash = undefined
    else {
      for (let at = 0; at < received; ) {
        const data = await this.#reader.read(at, Math.min(zeros.length, received - at))
        this.#options.signal?.throwIfAborted()
        this.#hash?.update(data)
        at += data.length
        this.#options.onBytes?.(at, this.#reader.size)
        if (at % freeEvery < data.length) freeBuffers()
      }
    }
    this.#done = received
    this.#options.onBytes?.(received, this.#reader.size)
  }

  /** Reads as many at once as there are slots; writes them in order, whichever comes first. A slot is held from one to the other. */
  async #pieces(): Promise<void> {
    const {slots, pace, signal} = this.#options
    let turn = Promise.resolve()
    for (;;) {
      const release = await slots.take()
      const next = this.#failure || signal?.aborted ? undefined : this.#next(pace.size)
      if (!next) {
        release()
        break
      }
      const started = performance.now()
      const reading = this.#reader.read(next.from, next.size)
      turn = Promise.all([reading, turn]).then(([data]) => {
        const written = this.#failure ? Promise.resolve() : this.#write(next.from, data)
        const one = written
          .then(() => {
            pace.took(next.size, performance.now() - started)
            this.#reader.recycle?.(data)
          }, (error: unknown) => this.#fail(error))
          .finally(() => {
            release()
            this.#writing.delete(one)
          })
        this.#writing.add(one)
      }, (error: unknown) => {
        release()
        this.#fail(error)
      })
    }
    await turn
    await Promise.all(this.#writing)
  }

  #fail(error: unknown): void {
    this.#failure ??= {error}
  }

  /** The next piece of what is data. */
  #next(most: number): {from: number; size: number} | undefined {
    const {extents, size} = this.#reader
    const known = extents ?? [[0, size]]
    while ((known[this.#extent]?.[1] ?? Infinity) <= this.#asked) this.#extent++
    const [begin, end] = known[this.#extent] ?? [size, size]
    const from = Math.max(this.#asked, begin)
    if (from >= end) return undefined
    this.#asked = Math.min(from + most, end)
    return {from, size: this.#asked - from}
  }

  /** Hashes it, and sends what is not zeros. */
  async #write(from: number, data: Uint8Array): Promise<void> {
    this.#hashZeros(from)
    this.#hash?.update(data)
    this.#hashed = from + data.length
    const skipped = this.#tellZeros(from, zerosAtOnce)
    const runs: Runs = []
    let at = this.#told
    for (const [start, end] of this.#dataOf(data)) {
      runs.push([from + start - at, end - start])
      at = from + end
    }
    if (runs.length > 0) await this.#tell(runs, runs.length === 1 && runs[0]?.[1] === data.length ? data : Buffer.concat(this.#dataOf(data).map(([start, end]) => data.subarray(start, end))))
    await skipped
    this.#advance(data.length)
  }

  #hashZeros(to: number): void {
    this.#advance(Math.max(0, to - this.#hashed))
    for (; this.#hashed < to; this.#hashed += Math.min(zeros.length, to - this.#hashed)) {
      this.#hash?.update(zeros.subarray(0, Math.min(zeros.length, to - this.#hashed)))
    }
  }

  /** The writer is told of so many zeros at once, and of `least` at least: the fewer are told with the data behind them. */
  async #tellZeros(to: number, least: number): Promise<void> {
    const told: Promise<void>[] = []
    while (to - this.#told >= least) told.push(this.#tell([[Math.min(zerosAtOnce, to - this.#told), 0]], new Uint8Array()))
    await Promise.all(told)
  }

  async #tell(runs: Runs, bytes: Uint8Array): Promise<void> {
    const offset = this.#told
    this.#told += runs.reduce((sum, [skip, size]) => sum + skip + size, 0)
    await this.#writer.write(offset, runs, bytes)
  }

  /** [from, to] of what is not zeros: all or nothing, and in small steps where holes are likely. */
  #dataOf(data: Uint8Array): [number, number][] {
    const isZero = (from: number, to: number): boolean => Buffer.compare(data.subarray(from, to), zeros.subarray(0, to - from)) === 0
    if (!this.#reader.sparse || data.length <= block) return isZero(0, data.length) ? [] : [[0, data.length]]
    const found: [number, number][] = []
    for (let at = 0; at < data.length; at += block) {
      const end = Math.min(at + block, data.length)
      if (isZero(at, end)) continue
      const last = found.at(-1)
      if (last?.[1] === at) last[1] = end
      else found.push([at, end])
    }
    return found
  }

  #advance(bytes: number): void {
    if (bytes === 0) return
    this.#done += bytes
    this.#options.onBytes?.(this.#done, this.#reader.size)
    this.#unfreed += bytes
    if (this.#unfreed < freeEvery) return
    this.#unfreed = 0
    freeBuffers()
  }
}
