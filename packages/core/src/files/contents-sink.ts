import {randomBytes} from 'node:crypto'
import type {JupyterServer} from '@cgpu/jupyter'
import {Slots} from '../agent/transfer.ts'
import {CgpuError, errors} from '../errors.ts'
import {aboutFile, below, contentsAtOnce, type ContentsOptions, contentsPath, eachInSlots, entryOfContents, isRetryable, lookAt} from './contents.ts'
import {damaged} from './frame.ts'
import {isOfOneFile} from './problem.ts'
import type {Content, Entry, Failure, Incoming, Runs, Seen, Sink, Writer} from './side.ts'

/** of zeros in one request */
const zerosAtOnce = 4 << 20

/** A folder of a machine by its server's contents API: no modes, no times, no links, and nothing is gone on with. */
export class ContentsSink implements Sink {
  readonly exists: boolean
  readonly #server: JupyterServer
  readonly #name: string
  readonly #base: string
  readonly #signal: AbortSignal | undefined
  readonly #slots = new Slots(contentsAtOnce)

  constructor(server: JupyterServer, {name, path, exists, signal}: ContentsOptions & {exists: boolean}) {
    this.#server = server
    this.#name = name
    this.#base = contentsPath(name, path)
    this.exists = exists
    this.#signal = signal
  }

  label(path: string): string {
    return `${this.#name}:${this.#at(path)}`
  }

  async look(paths: string[]): Promise<(Seen | undefined)[]> {
    return eachInSlots(this.#slots, paths, async path => {
      const found = await lookAt(this.#server, this.#at(path), this.#signal)
      return found && entryOfContents(found, path)
    })
  }

  async folders(paths: string[]): Promise<Failure[]> {
    // the folder itself, and those above it
    const own = this.#base === '' || this.exists ? [] : this.#base.split('/').map((_, at, parts) => parts.slice(0, at + 1).join('/'))
    for (const path of own) await this.#about(path, () => this.#server.putContents(path, {type: 'directory'}, {signal: this.#signal}))
    const failures: Failure[] = []
    for (const path of paths) await this.#one(path, failures, () => this.#server.putContents(this.#at(path), {type: 'directory'}, {signal: this.#signal}))
    return failures
  }

  /** The server itself writes a file that comes in one request beside its place first. */
  async put(files: (Content & {path: string})[]): Promise<Failure[]> {
    const failures: Failure[] = []
    await eachInSlots(this.#slots, files, ({path, data}) => this.#one(path, failures, async () => {
      const {size} = await this.#server.putContents(this.#at(path), file(data), {signal: this.#signal})
      if (size !== data.length) throw damaged('a file')
    }))
    return failures
  }

  async begin(path: string, {size}: Incoming): Promise<Writer> {
    const target = this.#at(path)
    const slash = target.lastIndexOf('/') + 1
    // no dot in front: most servers refuse such names
    const part = `${target.slice(0, slash)}cgpu-${randomBytes(6).toString('hex')}.part`
    let chunk = 1
    let end = 0
    let last = Promise.resolve()
    const append = async (data: Uint8Array, ends = false): Promise<void> => {
      try {
        await this.#server.putContents(part, {...file(data), chunk: ends ? -1 : chunk++}, {signal: this.#signal})
      } catch (error) {
        this.#signal?.throwIfAborted()
        // it may be there or not: what is appended twice makes another file
        throw isRetryable(error) ? damaged('a piece') : aboutFile(error, this.label(path), 'write')
      }
    }
    await append(new Uint8Array())
    const write = async (runs: Runs, data: Uint8Array): Promise<void> => {
      let at = 0
      for (const [zeros, count] of runs) {
        for (let left = zeros; left > 0; left -= zerosAtOnce) await append(new Uint8Array(Math.min(left, zerosAtOnce)))
        if (count > 0) await append(data.subarray(at, (at += count)))
        end += zeros + count
      }
    }
    return {
      received: 0,
      // one after the other: they are appended as they come
      write: (_offset, runs, data) => (last = last.then(() => write(runs, data))),
      finish: async sha256 => {
        await append(new Uint8Array(), true)
        const there = await this.#about(path, () => this.#server.getContents(part, {content: false, hash: true, signal: this.#signal}))
        if ((size !== undefined && end !== size) || there.size !== end || (there.sha256 ?? sha256) !== sha256) throw damaged('a file')
        await this.#about(path, async () => {
          // it renames onto nothing
          await this.#server.deleteContents(target)
          await this.#server.renameContents(part, target)
        })
      },
      drop: async () => {
        await this.#server.deleteContents(part)
      },
    }
  }

  async settle(links: {path: string; link: string}[], _folders: Entry[]): Promise<Failure[]> {
    return links.map(({path}) => ({path, error: errors.cannotWrite(`${this.label(path)} is a link, and without a Python kernel there ${this.#name} takes none`, {
      code: 'CANNOT_WRITE', category: 'file', fix: 'copy what it points to, with --follow; or install ipykernel there',
    })}))
  }

  #at(path: string): string {
    return below(this.#base, path)
  }

  async #one(path: string, failures: Failure[], work: () => Promise<unknown>): Promise<void> {
    try {
      await this.#about(path, work)
    } catch (error) {
      if (!(error instanceof CgpuError) || !isOfOneFile(error)) throw error
      failures.push({path, error})
    }
  }

  async #about<T>(path: string, work: () => Promise<T>): Promise<T> {
    try {
      return await work()
    } catch (error) {
      throw aboutFile(error, this.label(path), 'write')
    }
  }
}

function file(data: Uint8Array): {type: 'file'; format: 'base64'; content: string} {
  return {type: 'file', format: 'base64', content: Buffer.from(data.buffer, data.byteOffset, data.length).toString('base64')}
}
