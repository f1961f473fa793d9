import {closeSync, mkdirSync, openSync, writeSync} from 'node:fs'
import {dirname} from 'node:path'
import type {CgpuError} from '../errors.ts'
import {cannotWrite} from '../state/write-error.ts'
import {formatBytes} from '../text/format.ts'

export const maxLogBytes = 10 * 2 ** 20
/** of those for the end, which is kept in memory until then */
const tailBytes = 2 ** 20

/** The output of a run in a file (0600): all of it, or its beginning and its end with a note between them. */
export class RunLog {
  readonly #path: string
  readonly #file: number
  readonly #headBytes: number
  readonly #tailBytes: number
  readonly #tail: Buffer[] = []
  #written = 0
  #inTail = 0
  #dropped = 0
  #problem: CgpuError | undefined

  /** Throws CANNOT_WRITE (73). */
  constructor(path: string, maxBytes = maxLogBytes) {
    this.#path = path
    try {
      mkdirSync(dirname(path), {recursive: true, mode: 0o700})
      this.#file = openSync(path, 'w', 0o600)
    } catch (error) {
      throw cannotWrite(path, error)
    }
    this.#headBytes = maxBytes - Math.min(tailBytes, Math.ceil(maxBytes / 10))
    this.#tailBytes = maxBytes - this.#headBytes
  }

  write(chunk: Buffer): void {
    const room = Math.max(0, this.#headBytes - this.#written)
    if (room > 0) this.#append(chunk.subarray(0, room))
    if (chunk.length > room) this.#keep(chunk.subarray(room))
  }

  /** Writes the end. Returns what went wrong with the file, which was no reason to stop the run. */
  end(): CgpuError | undefined {
    if (this.#dropped > 0) this.#append(Buffer.from(`\n[${formatBytes(this.#dropped)} left out]\n`))
    for (const chunk of this.#tail) this.#append(chunk)
    closeSync(this.#file)
    return this.#problem
  }

  #keep(chunk: Buffer): void {
    this.#tail.push(Buffer.from(chunk)) // a stream may use its memory again
    this.#inTail += chunk.length
    for (let first = this.#tail[0]; first && this.#inTail > this.#tailBytes; first = this.#tail[0]) {
      const excess = Math.min(first.length, this.#inTail - this.#tailBytes)
      if (excess === first.length) this.#tail.shift()
      else this.#tail[0] = first.subarray(excess)
      this.#inTail -= excess
      this.#dropped += excess
    }
  }

  #append(bytes: Buffer): void {
    this.#written += bytes.length
    if (this.#problem) return
    try {
      for (let at = 0; at < bytes.length;) at += writeSync(this.#file, bytes, at)
    } catch (error) {
      this.#problem = cannotWrite(this.#path, error)
    }
  }
}
