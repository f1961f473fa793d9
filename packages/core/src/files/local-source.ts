import {hash} from 'node:crypto'
import {closeSync, fstatSync, lstatSync, openSync, readdirSync, readlinkSync, readSync, realpathSync, statSync, constants, type Stats} from 'node:fs'
import {open} from 'node:fs/promises'
import {basename, resolve, sep} from 'node:path'
import {errors, type CgpuError} from '../errors.ts'
import {sanitizeLine} from '../text/line.ts'
import {Buffers} from './buffers.ts'
import {localPath, nameOf} from './names.ts'
import {cannotRead, changed} from './problem.ts'
import type {Content, Entry, Origin, Reader, Root, Source} from './side.ts'
import {isUnfinished} from './unfinished.ts'

const atOnce = 2000
/** a FIFO would block, a device never end */
const flags = constants.O_RDONLY | (constants.O_NONBLOCK ?? 0)

/**
 * A path on this machine. Looking at files and reading small ones is done in place: a hundred thousand turns of the thread pool
 * cost more than the disk does.
 */
export class LocalSource implements Source {
  readonly #path: string
  readonly #follow: boolean

  /** `follow`: links below it are what they point to */
  constructor(path: string, {follow = false} = {}) {
    this.#path = path
    this.#follow = follow
  }

  label(path: string): string {
    return path
  }

  async roots(): Promise<{roots: Root[]; pattern: boolean}> {
    const path = resolve(this.#path)
    try {
      return {roots: [{path, entry: entryOf('', statSync(path))}], pattern: false}
    } catch (error) {
      throw cannotRead(this.#path, error)
    }
  }

  async *walk(folder: string, enters: (path: string) => boolean): AsyncIterable<Entry[]> {
    const stack = ['']
    const seen = new Set<string>()
    let found: Entry[] = []
    for (let at = stack.pop(); at !== undefined; at = stack.pop()) {
      for (const entry of this.#inFolder(folder, at, seen)) {
        found.push(entry)
        if (entry.kind === 'folder' && enters(entry.path)) stack.push(entry.path)
      }
      if (found.length < atOnce) continue
      yield found
      found = []
      await new Promise(setImmediate) // signals are heard
    }
    yield found
  }

  #inFolder(base: string, folder: string, seen: Set<string>): Entry[] {
    const here = localPath(base, folder)
    const found: Entry[] = []
    try {
      if (this.#follow) {
        const real = realpathSync(here)
        if (seen.has(real)) return [unreadable(folder, 'a link leads back to this folder')]
        seen.add(real)
      }
      for (const bytes of readdirSync(here, {encoding: 'buffer'})) {
        const name = nameOf(bytes)
        if (isUnfinished(name)) continue
        const path = folder === '' ? name : `${folder}/${name}`
        const full = localPath(base, path)
        try {
          const info = (this.#follow ? statSync : lstatSync)(full)
          found.push(info.isSymbolicLink() ? {...entryOf(path, info), link: linkOf(full)} : entryOf(path, info))
        } catch (error) {
          found.push(unreadable(path, cannotRead(path, error).message))
        }
      }
    } catch (error) {
      return [unreadable(folder, cannotRead(folder || base, error).message)]
    }
    return found
  }

  async readAll(base: string, paths: string[]): Promise<(Content | CgpuError)[]> {
    return paths.map(path => {
      try {
        return content(localPath(base, path), path)
      } catch (error) {
        return cannotRead(path || basename(base), error)
      }
    })
  }

  async open({base, path}: Origin): Promise<Reader> {
    const full = localPath(base, path)
    const name = String(full)
    const file = await open(full, flags).catch((error: unknown) => {
      throw cannotRead(name, error)
    })
    const first = await file.stat()
    if (!first.isFile()) {
      await file.close()
      throw errors.usage(`not a regular file: ${sanitizeLine(name)}`, {code: 'NOT_A_FILE', category: 'file', fix: 'give the path of a file'})
    }
    const buffers = new Buffers()
    const unchanged = async (): Promise<void> => {
      const last = await file.stat()
      if (last.size !== first.size || last.mtimeMs !== first.mtimeMs) throw changed(name)
    }
    return {
      size: first.size, mtime: microseconds(first), mode: first.mode & 0o7777,
      identity: [name, first.ino, first.size, first.mtimeMs].join('\n'),
      extents: undefined,
      sparse: first.blocks * 512 < first.size,
      hashes: false,
      async read(offset, size) {
        const data = buffers.take(size)
        for (let done = 0; done < size; ) {
          const {bytesRead} = await file.read(data, done, size - done, offset + done)
          if (bytesRead === 0) throw changed(name)
          done += bytesRead
        }
        return data
      },
      recycle: data => buffers.give(data),
      async finish() {
        await unchanged()
        return undefined
      },
      close: () => file.close(),
    }
  }
}

function content(path: string | Buffer, name: string): Content {
  const fd = openSync(path, flags)
  try {
    for (let attempt = 1; attempt <= 3; attempt++) {
      const first = fstatSync(fd)
      if (!first.isFile()) throw errors.usage(`not a regular file: ${sanitizeLine(name)}`, {code: 'NOT_A_FILE', category: 'file', fix: 'give the path of a file'})
      const data = Buffer.allocUnsafe(first.size)
      const size = first.size === 0 ? 0 : readSync(fd, data, 0, first.size, 0)
      const last = fstatSync(fd)
      if (size === first.size && last.size === first.size && last.mtimeMs === first.mtimeMs) {
        return {data, mtime: microseconds(first), mode: first.mode & 0o7777, sha256: hash('sha256', data)}
      }
    }
    throw changed(name)
  } finally {
    closeSync(fd)
  }
}

export function microseconds(info: Stats): number {
  return Math.round(info.mtimeMs * 1000)
}

export function kindOf(info: Stats): Entry['kind'] {
  return info.isFile() ? 'file' : info.isDirectory() ? 'folder' : info.isSymbolicLink() ? 'link' : 'other'
}

function entryOf(path: string, info: Stats): Entry {
  const kind = kindOf(info)
  return {path, kind, size: kind === 'file' ? info.size : 0, mtime: microseconds(info), mode: info.mode & 0o7777}
}

function linkOf(path: string | Buffer): string {
  const target = nameOf(readlinkSync(path, {encoding: 'buffer'}))
  return sep === '\\' ? target.replaceAll('\\', '/') : target
}

function unreadable(path: string, reason: string): Entry {
  return {path, kind: 'unreadable', size: 0, mtime: 0, mode: 0, reason}
}
