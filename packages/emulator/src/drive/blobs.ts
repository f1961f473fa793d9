import {createHash} from 'node:crypto'
import {constants, createReadStream, createWriteStream} from 'node:fs'
import {copyFile, mkdir, readFile, readdir, rename, rm, stat} from 'node:fs/promises'
import {join} from 'node:path'
import {Readable, Transform} from 'node:stream'
import {pipeline} from 'node:stream/promises'
import {uniqueTag} from '@cgpu/core/state/token'

/** Bytes that arrived, not yet anybody's. */
export interface Received {
  path: string
  size: number
  md5: string
  sha1: string
  sha256: string
}

/** a stream costs more than it saves */
const readWhole = 2 ** 20

/** Content on disk, one file a revision. Everything is streamed. */
export class Blobs {
  readonly #kept: string
  readonly #arriving: string

  constructor(folder: string) {
    this.#kept = join(folder, 'content')
    this.#arriving = join(folder, 'arriving')
  }

  /** What had only half arrived when the emulator ended is dropped, and so is content that no file holds any more. */
  async open(held: Set<string>): Promise<void> {
    await rm(this.#arriving, {recursive: true, force: true})
    for (const folder of [this.#kept, this.#arriving]) await mkdir(folder, {recursive: true, mode: 0o700})
    for (const name of await readdir(this.#kept)) if (!held.has(name)) await this.drop(name)
  }

  /** A path for bytes that arrive piece by piece. */
  scratch(): string {
    return join(this.#arriving, uniqueTag())
  }

  async receive(source: Readable): Promise<Received> {
    const path = this.scratch()
    try {
      return {path, ...await hashed(source, path)}
    } catch (error) {
      await rm(path, {force: true})
      throw error
    }
  }

  /** A copy of a file that somebody else may go on writing to. */
  async copy(from: string): Promise<Received> {
    const path = this.scratch()
    try {
      await copyFile(from, path, constants.COPYFILE_FICLONE)
      return await this.measure(path)
    } catch (error) {
      await rm(path, {force: true})
      throw error
    }
  }

  /** Sums of a scratch file that is complete. */
  async measure(path: string): Promise<Received> {
    const {size} = await stat(path)
    return {path, ...await hashed(size <= readWhole ? Readable.from([await readFile(path)]) : createReadStream(path))}
  }

  /** sha256 of bytes that stay where they are. */
  async sum(source: Readable): Promise<string> {
    return (await hashed(source)).sha256
  }

  async keep(received: Received, id: string): Promise<void> {
    await rename(received.path, this.path(id))
  }

  async discard(received: Pick<Received, 'path'>): Promise<void> {
    await rm(received.path, {force: true})
  }

  path(id: string): string {
    return join(this.#kept, id)
  }

  /** `end` counts in. */
  read(id: string, range?: {start: number; end: number}): Readable {
    return createReadStream(this.path(id), range)
  }

  async drop(id: string): Promise<void> {
    await rm(this.path(id), {force: true})
  }
}

async function hashed(source: Readable, to?: string): Promise<Omit<Received, 'path'>> {
  const sums = {md5: createHash('md5'), sha1: createHash('sha1'), sha256: createHash('sha256')}
  let size = 0
  const count = (chunk: Buffer): void => {
    size += chunk.length
    for (const sum of Object.values(sums)) sum.update(chunk)
  }
  if (to === undefined) for await (const chunk of source) count(chunk as Buffer) // no encoding is set
  else {
    const counter = new Transform({transform(chunk: Buffer, _, done) {
      count(chunk)
      done(null, chunk)
    }})
    await pipeline(source, counter, createWriteStream(to, {mode: 0o600}))
  }
  return {size, md5: sums.md5.digest('hex'), sha1: sums.sha1.digest('hex'), sha256: sums.sha256.digest('hex')}
}
