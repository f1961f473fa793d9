import {hash} from 'node:crypto'
import {contentsOfFolder, type ContentsModel, type JupyterServer} from '@cgpu/jupyter'
import {Slots} from '../agent/transfer.ts'
import {CgpuError, errors} from '../errors.ts'
import {sanitizeLine} from '../text/line.ts'
import {aboutFile, below, codeOf, contentsAtOnce, type ContentsOptions, contentsPath, eachInSlots, entryOfContents, lookAt} from './contents.ts'
import {staysBelow} from './names.ts'
import {changed, hostile} from './problem.ts'
import type {Content, Entry, Origin, Reader, Root, Source} from './side.ts'
import {isUnfinished} from './unfinished.ts'

/** A file of which the API gives nothing but the whole is held in memory. */
const mostWhole = 128 << 20

/** A file or folder of a machine by its server's contents API, and `/files` where the server has that. */
export class ContentsSource implements Source {
  readonly #server: JupyterServer
  readonly #name: string
  readonly #path: string
  readonly #signal: AbortSignal | undefined
  /** false: the server has no `/files` */
  #serves = true

  constructor(server: JupyterServer, {name, path, signal}: ContentsOptions) {
    this.#server = server
    this.#name = name
    this.#path = contentsPath(name, path)
    this.#signal = signal
  }

  label(path: string): string {
    return `${this.#name}:${path}`
  }

  async roots(): Promise<{roots: Root[]; pattern: boolean}> {
    const found = await this.#about(this.#path, () => lookAt(this.#server, this.#path, this.#signal))
    if (found) return {roots: [{path: this.#path, entry: entryOfContents(found, '')}], pattern: false}
    const pattern = /[*?[]/.test(this.#path)
    throw errors.notFound(`there is no file ${sanitizeLine(this.#path)} on ${this.#name}`, {
      code: 'FILE_NOT_FOUND', category: 'file', fix: pattern ? 'copy its folder, with --include: without a Python kernel there no pattern is matched' : 'check the path',
    })
  }

  async *walk(folder: string, enters: (path: string) => boolean): AsyncIterable<Entry[]> {
    const stack = ['']
    for (let at = stack.pop(); at !== undefined; at = stack.pop()) {
      const entries = await this.#listing(folder, at)
      for (const {kind, path} of entries) if (kind === 'folder' && enters(path)) stack.push(path)
      yield entries
    }
  }

  async #listing(folder: string, at: string): Promise<Entry[]> {
    try {
      const model = await this.#server.getContents(below(folder, at), {type: 'directory', signal: this.#signal})
      return contentsOfFolder(model).map(one => entryOfContents(one, this.#checked(at, one.name))).filter(({path}) => !isUnfinished(path))
    } catch (error) {
      const told = aboutFile(error, this.label(below(folder, at)), 'read')
      if (!(told instanceof CgpuError) || told.code === 'UNSAFE_NAME') throw told
      return [{path: at, kind: 'unreadable', size: 0, mtime: 0, mode: 0, reason: told.message}]
    }
  }

  #checked(folder: string, name: string): string {
    if (name.includes('/') || !staysBelow(name)) throw hostile(this.#name, name)
    return below(folder, name)
  }

  async readAll(base: string, paths: string[]): Promise<(Content | CgpuError)[]> {
    return eachInSlots(new Slots(contentsAtOnce), paths, async path => {
      try {
        return await this.#whole(below(base, path))
      } catch (error) {
        if (error instanceof CgpuError && error.category === 'file') return error
        throw error
      }
    })
  }

  async #whole(path: string): Promise<Content> {
    const before = await this.#look(path)
    const data = await this.#bytes(path, before, 0, before.size ?? 0)
    if (data.length !== before.size) throw changed(this.label(path))
    const {mtime, mode} = entryOfContents(before, path)
    return {data, mtime, mode, sha256: hash('sha256', data)}
  }

  async open({base, path}: Origin): Promise<Reader> {
    const whole = below(base, path)
    const before = await this.#look(whole)
    const {size, mtime, mode} = entryOfContents(before, whole)
    return {
      size, mtime, mode, extents: undefined, sparse: false, hashes: false,
      identity: [this.#name, whole, size, before.lastModified].join('\n'),
      read: async (offset, count) => {
        const data = await this.#bytes(whole, before, offset, offset + count)
        if (data.length !== count) throw changed(this.label(whole))
        return data
      },
      finish: async () => {
        // a server that knows no hashes has the time at least
        const after = await this.#about(whole, () => this.#server.getContents(whole, {content: false, hash: true, signal: this.#signal}))
        if (after.size !== before.size || after.lastModified !== before.lastModified) throw changed(this.label(whole))
        return after.sha256
      },
      close: async () => undefined,
    }
  }

  async #look(path: string): Promise<ContentsModel> {
    const found = await this.#about(path, () => this.#server.getContents(path, {content: false, signal: this.#signal}))
    if (found.type === 'directory') throw changed(this.label(path))
    return found
  }

  async #bytes(path: string, {size = 0}: ContentsModel, from: number, to: number): Promise<Uint8Array> {
    if (size === 0) return new Uint8Array()
    if (this.#serves) {
      try {
        return await this.#server.readFileRange(path, from, to)
      } catch (error) {
        // 403 and 404 may be this file's alone; whoever can be read by the API can be asked for there next time
        if (codeOf(error) !== 'NOT_FOUND' && codeOf(error) !== 'AUTH') throw error
        this.#serves = false
      }
    }
    if (size > mostWhole) {
      throw errors.data(`${sanitizeLine(this.label(path), 200)} is too large: without a Python kernel and without /files its server gives whole files only, of ${mostWhole >> 20} MiB at most`, {
        code: 'FILE_TOO_BIG', category: 'file', fix: 'install ipykernel on the machine',
      })
    }
    const {content} = await this.#about(path, () => this.#server.getContents(path, {type: 'file', format: 'base64', signal: this.#signal}))
    return Buffer.from(typeof content === 'string' ? content : '', 'base64').subarray(from, to)
  }

  async #about<T>(path: string, ask: () => Promise<T>): Promise<T> {
    try {
      return await ask()
    } catch (error) {
      throw aboutFile(error, this.label(path), 'read')
    }
  }
}
