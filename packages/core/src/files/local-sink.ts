import {randomBytes} from 'node:crypto'
import {
  chmodSync, closeSync, existsSync, fchmodSync, futimesSync, lstatSync, mkdirSync, openSync, realpathSync, renameSync, statSync, symlinkSync, unlinkSync, utimesSync, writeSync,
} from 'node:fs'
import {resolve, sep} from 'node:path'
import type {CgpuError} from '../errors.ts'
import {cannotWrite, errnoOf} from '../state/write-error.ts'
import {kindOf, microseconds} from './local-source.ts'
import {LocalWriter} from './local-writer.ts'
import {localPath, unusable} from './names.ts'
import {inTheWay, isOfOneFile} from './problem.ts'
import type {Content, Entry, Failure, Incoming, Seen, Sink, Writer} from './side.ts'

const windows = process.platform === 'win32'

/** A folder on this machine. Nothing is written outside of it, wherever links in it lead; a file appears whole or not at all. */
export class LocalSink implements Sink {
  readonly exists: boolean
  readonly #base: string
  /** permission bits that others get nowhere */
  readonly #umask = process.umask()
  readonly #known = new Set<string>()
  #real: string | undefined

  constructor(base: string) {
    this.#base = resolve(base)
    this.exists = existsSync(this.#base)
  }

  label(path: string): string {
    return String(localPath(this.#base, path)).replaceAll('/', sep)
  }

  async look(paths: string[]): Promise<(Seen | undefined)[]> {
    return paths.map(path => {
      try {
        const info = lstatSync(localPath(this.#base, path))
        return {kind: kindOf(info), size: info.size, mtime: microseconds(info)}
      } catch {
        return undefined
      }
    })
  }

  async folders(paths: string[]): Promise<Failure[]> {
    // only the last one of its own path is made: one that was mistyped should not become a tree
    if (!this.exists) this.#try(this.#base, () => mkdirSync(this.#base))
    return this.#each(paths, path => {
      const full = this.#target(path)
      const seen = lstatSync(full, {throwIfNoEntry: false})
      if (seen && !statSync(full).isDirectory()) throw inTheWay(this.label(path), 'a file is in the place of a folder')
      if (!seen) mkdirSync(full)
      else if ((seen.mode & 0o700) !== 0o700 && !windows && !seen.isSymbolicLink()) chmodSync(full, (seen.mode & 0o777) | 0o700) // until it is settled
    })
  }

  async put(files: (Content & {path: string})[]): Promise<Failure[]> {
    const failures: Failure[] = []
    for (const file of files) {
      const error = this.#attempt(file.path, () => this.#put(file))
      if (!error) continue
      if (!isOfOneFile(error)) throw error
      failures.push({path: file.path, error})
    }
    return failures
  }

  #put({path, data, mtime, mode}: Content & {path: string}): void {
    const target = this.#replaceable(path)
    const part = localPath(this.#base, `${path.slice(0, path.lastIndexOf('/') + 1)}.cgpu-${randomBytes(6).toString('hex')}.part`)
    const fd = openSync(part, 'wx', mode & 0o777 | 0o200)
    try {
      try {
        for (let at = 0; at < data.length; ) at += writeSync(fd, data, at)
        if ((mode & 0o200) === 0 && !windows) fchmodSync(fd, mode & 0o777 & ~this.#umask)
        futimesSync(fd, mtime / 1e6, mtime / 1e6)
      } finally {
        closeSync(fd)
      }
      renameSync(part, target)
    } catch (error) {
      unlinkSync(part)
      throw error
    }
  }

  async begin(path: string, {size, mtime, mode, key}: Incoming): Promise<Writer> {
    return this.#try(this.label(path), () => LocalWriter.open(this.#replaceable(path), {
      size, mtime, key, mode: mode === undefined ? undefined : mode & 0o777 & ~this.#umask, name: this.label(path),
    }))
  }

  async settle(links: {path: string; link: string}[], folders: Entry[]): Promise<Failure[]> {
    const failures: Failure[] = []
    for (const {path, link} of links) {
      const error = this.#attempt(path, () => this.#link(path, link))
      if (error) failures.push({path, error})
    }
    for (const {path, mode, mtime} of folders) {
      // of a folder that could not be made that was told already
      this.#attempt(path, () => {
        const full = this.#target(path)
        if (!lstatSync(full).isDirectory()) return
        if (!windows) chmodSync(full, mode & 0o777 & ~this.#umask)
        utimesSync(full, mtime / 1e6, mtime / 1e6)
      })
    }
    return failures
  }

  #link(path: string, link: string): void {
    const target = this.#replaceable(path)
    const part = localPath(this.#base, `${path.slice(0, path.lastIndexOf('/') + 1)}.cgpu-${randomBytes(6).toString('hex')}.part`)
    symlinkSync(link, part)
    try {
      renameSync(part, target)
    } catch (error) {
      unlinkSync(part)
      throw error
    }
  }

  /** A file or a link gives way; a folder or a device does not. */
  #replaceable(path: string): string | Buffer {
    const full = this.#target(path)
    const seen = lstatSync(full, {throwIfNoEntry: false})
    if (seen?.isDirectory()) throw inTheWay(this.label(path), 'a folder is in its place')
    if (seen && !seen.isFile() && !seen.isSymbolicLink()) throw inTheWay(this.label(path), 'it is a device, not a file')
    return full
  }

  /** The path, once it is certain that its folder is inside. */
  #target(path: string): string | Buffer {
    const why = unusable(path)
    if (why !== undefined) throw inTheWay(this.label(path), why)
    const slash = path.lastIndexOf('/')
    const folder = slash < 0 ? '' : path.slice(0, slash)
    if (!this.#known.has(folder)) {
      const full = localPath(this.#base, folder)
      this.#real ??= realpathSync(this.#base)
      const real = realpathSync(full)
      if (real !== this.#real && !real.startsWith(this.#real.endsWith(sep) ? this.#real : this.#real + sep)) throw inTheWay(this.label(path), 'a link there leads out of the folder')
      this.#known.add(folder)
    }
    return localPath(this.#base, path)
  }

  #each(paths: string[], work: (path: string) => void): Failure[] {
    return paths.flatMap(path => {
      const error = this.#attempt(path, () => work(path))
      if (error && !isOfOneFile(error)) throw error
      return error ? [{path, error}] : []
    })
  }

  #attempt(path: string, work: () => void): CgpuError | undefined {
    try {
      work()
      return undefined
    } catch (error) {
      if (errnoOf(error) === undefined && !(error instanceof Error && 'category' in error)) throw error
      return cannotWrite(this.label(path), error)
    }
  }

  #try<T>(name: string, work: () => T): T {
    try {
      return work()
    } catch (error) {
      throw cannotWrite(name, error)
    }
  }
}

