import {createHash, type Hash} from 'node:crypto'
import {openSync, readdirSync, renameSync, unlinkSync, closeSync, fstatSync, ftruncateSync, fchmodSync, futimesSync, read as readFd, write as writeFd} from 'node:fs'
import {promisify} from 'node:util'
import {errors} from '../errors.ts'
import {lives} from '../state/self.ts'
import {cannotWrite} from '../state/write-error.ts'
import {sanitizeLine} from '../text/line.ts'
import {nameOf} from './names.ts'
import type {Runs, Writer} from './side.ts'
import {unfinishedStem} from './unfinished.ts'

const read = promisify(readFd)
const write = promisify(writeFd)

export interface LocalIncoming {
  size: number | undefined
  mtime: number | undefined
  /** exactly; undefined: as the umask has it */
  mode: number | undefined
  key: string | undefined
  /** for people */
  name: string
}

/**
 * A large file on its way in, beside its target: `.<hash of its name>.cgpu-<key>.<pid>.part`. What a copy left that was cut or
 * killed is taken by giving it this process's number; what is left of other contents goes.
 */
export class LocalWriter implements Writer {
  readonly received: number
  readonly #fd: number
  readonly #part: string | Buffer
  readonly #target: string | Buffer
  readonly #incoming: LocalIncoming
  #end: number
  #last = Promise.resolve()

  private constructor(fd: number, part: string | Buffer, target: string | Buffer, incoming: LocalIncoming) {
    this.#fd = fd
    this.#part = part
    this.#target = target
    this.#incoming = incoming
    const there = fstatSync(fd).size
    this.received = there <= (incoming.size ?? 0) ? there : 0
    this.#end = this.received
    if (there !== this.received) ftruncateSync(fd, this.received) // ext4 writes a file at once that was emptied before
  }

  /** Throws what Node's functions do. */
  static open(target: string | Buffer, incoming: LocalIncoming): LocalWriter {
    const bytes = Buffer.from(target)
    const slash = bytes.lastIndexOf(0x2f)
    const folder = bytes.subarray(0, slash + 1)
    const stem = unfinishedStem(nameOf(bytes.subarray(slash + 1)))
    const key = incoming.key ?? '0'.repeat(12)
    const at = (name: string): Buffer => Buffer.concat([folder, Buffer.from(name)])
    const own = at(`${stem}${key}.${process.pid}.part`)
    for (const name of readdirSync(folder)) {
      if (!name.startsWith(stem) || !name.endsWith('.part')) continue
      const [, owner] = /\.(\d+)\.part$/.exec(name) ?? []
      if (owner !== undefined && Number(owner) !== process.pid && lives(Number(owner))) continue
      try {
        if (incoming.key !== undefined && name.startsWith(stem + key)) renameSync(at(name), own)
        else unlinkSync(at(name))
      } catch {
        // another copy took it meanwhile
      }
    }
    const fd = openSync(own, 'a+', 0o666)
    closeSync(fd)
    return new LocalWriter(openSync(own, 'r+'), own, target, incoming)
  }

  async prefix(): Promise<Hash> {
    const hash = createHash('sha256')
    const block = Buffer.allocUnsafeSlow(1 << 20)
    for (let at = 0; at < this.received; ) {
      const {bytesRead} = await read(this.#fd, block, 0, Math.min(block.length, this.received - at), at)
      if (bytesRead === 0) break
      hash.update(block.subarray(0, bytesRead))
      at += bytesRead
    }
    return hash
  }

  /** One after the other, so that what is there of it is always its beginning. */
  write(offset: number, runs: Runs, data: Uint8Array): Promise<void> {
    return (this.#last = this.#last.then(() => this.#write(offset, runs, data)))
  }

  async #write(offset: number, runs: Runs, data: Uint8Array): Promise<void> {
    try {
      let at = 0
      for (const [zeros, size] of runs) {
        offset += zeros
        for (let done = 0; done < size; ) {
          const {bytesWritten} = await write(this.#fd, data, at + done, size - done, offset + done)
          done += bytesWritten
        }
        at += size
        offset += size
      }
      this.#end = offset
    } catch (error) {
      throw cannotWrite(this.#incoming.name, error)
    }
  }

  async finish(sha256: string): Promise<void> {
    const {size, mtime, mode, name} = this.#incoming
    if (size !== undefined && this.#end !== size) throw errors.network(`${sanitizeLine(name)} did not arrive whole`, {code: 'FILE_DAMAGED', category: 'file', fix: 'try again', retryable: true, details: {sha256}})
    try {
      if (fstatSync(this.#fd).size !== this.#end) ftruncateSync(this.#fd, this.#end) // a hole at its end
      if (mode !== undefined && process.platform !== 'win32') fchmodSync(this.#fd, mode)
      if (mtime !== undefined) futimesSync(this.#fd, mtime / 1e6, mtime / 1e6)
      closeSync(this.#fd)
      renameSync(this.#part, this.#target)
    } catch (error) {
      throw cannotWrite(name, error)
    }
  }

  async drop(keep: boolean): Promise<void> {
    try {
      closeSync(this.#fd)
    } catch {
      // finished, or tried to
    }
    try {
      if (!keep || this.#end === 0 || this.#incoming.key === undefined) unlinkSync(this.#part)
    } catch {
      // renamed
    }
  }
}
