import {copyFile, link, open, unlink} from 'node:fs/promises'
import {isUtf8} from 'node:buffer'
import {CgpuError, errors} from '../errors.ts'
import {sanitizeLine} from '../text/line.ts'
import {type JsonObject, isObject, parseJson} from './json.ts'
import {cannotWrite, causeOf, errnoOf, isShortOfFiles} from './write-error.ts'

export interface JsonFileOptions<T extends object> {
  path: string
  /** of the format; written as the file's `version`, which T itself does not hold */
  version: number
  /** Checks the file's object (of this or an older version) and makes a T of it; undefined or a throw: broken. */
  parse: (value: JsonObject, version: number) => T | undefined
  /** what a missing file stands for */
  initial: () => T
  /** told in one sentence when a broken file was set aside */
  onWarning?: ((message: string) => void) | undefined
  /** keep the previous generation as `<path>.bak`; default true. False for secrets: a deleted one must be gone. */
  backup?: boolean
  /** default 0600 */
  mode?: number
  /** default 64 MiB; a bigger file counts as broken */
  maxBytes?: number
  lockTimeoutMs?: number
  /** checks the opened file before it is read (its permissions) */
  inspect?: (stat: {mode: number; uid: number}) => void
}

type Read<T> = {kind: 'ok'; value: T; newer: boolean} | {kind: 'missing'} | {kind: 'broken'; why: string}

/**
 * A small JSON file that many processes read and change: `{"version": n, …fields of T}`.
 * Readers never meet half a file; writers take turns under `<path>.lock`. A broken file (empty, half, NULs, wrong
 * types) is set aside as `<path>.corrupt-<time>`, the last good generation takes its place, and a warning says so.
 */
export class JsonFile<T extends object> {
  readonly path: string
  readonly #options: JsonFileOptions<T>

  constructor(options: JsonFileOptions<T>) {
    this.path = options.path
    this.#options = options
  }

  /** The current value, or the initial one when there is no file. Throws STATE_TOO_NEW when only a newer cgpu can read it. */
  async read(): Promise<T> {
    const found = await this.#load(this.path)
    if (found.kind === 'ok') return found.value
    if (found.kind === 'missing') return this.#options.initial()
    return this.#recover(found.why)
  }

  /**
   * Changes the file under its lock. `fn` gets a value of its own, may change it in place, and returns what to keep;
   * returning undefined writes nothing. Throws STATE_TOO_NEW (73), CANNOT_WRITE (73) or LOCK_TIMEOUT (72), and then
   * the file is as it was.
   */
  async update(fn: (value: T) => T | undefined | Promise<T | undefined>): Promise<T> {
    return this.#locked(async () => {
      const found = await this.#load(this.path)
      if (found.kind === 'ok' && found.newer) throw this.#tooNew()
      const value = found.kind === 'ok' ? found.value
        : found.kind === 'missing' ? this.#options.initial()
        : await this.#setAside(found.why)
      const next = await fn(value)
      if (next === undefined) return value
      await this.#write(next, found.kind === 'ok')
      return next
    })
  }

  /** Removes it under its lock: whoever changes it just now does not bring it back. Throws CANNOT_WRITE (73) or LOCK_TIMEOUT (72). */
  async remove(): Promise<void> {
    await this.#locked(() => unlink(this.path).catch((error: unknown) => {
      if (errnoOf(error) !== 'ENOENT') throw cannotWrite(this.path, error)
    }))
  }

  // what only writers need is loaded by writers: most commands only read, and start-up counts
  async #locked<R>(fn: () => Promise<R>): Promise<R> {
    const {withLock} = await import('./lock.ts')
    const timeoutMs = this.#options.lockTimeoutMs
    return withLock(`${this.path}.lock`, fn, timeoutMs === undefined ? {} : {timeoutMs})
  }

  async #write(value: T, keepOld: boolean): Promise<void> {
    const text = `${JSON.stringify({version: this.#options.version, ...value}, undefined, 2)}\n`
    if (keepOld && this.#options.backup !== false) await this.#keepBackup()
    const {writeAtomic} = await import('./atomic.ts')
    await writeAtomic(this.path, text, {mode: this.#options.mode ?? 0o600, followLink: true})
  }

  /** The file stays in place while its second name is made; only the name `.bak` is gone for a moment. */
  async #keepBackup(): Promise<void> {
    const bak = `${this.path}.bak`
    try {
      await unlink(bak).catch(() => undefined)
      await duplicate(this.path, bak)
    } catch {
      // no backup is no reason to refuse the change; when the disk is the trouble, the write itself will say so
    }
  }

  /** A reader met a broken file. Another process may be repairing it, so look again once the lock is ours. */
  async #recover(why: string): Promise<T> {
    try {
      return await this.#locked(async () => {
        const found = await this.#load(this.path)
        if (found.kind === 'ok') return found.value
        return found.kind === 'missing' ? this.#options.initial() : this.#setAside(found.why)
      })
    } catch (error) {
      if (!(error instanceof CgpuError) || (error.code !== 'CANNOT_WRITE' && error.code !== 'LOCK_TIMEOUT')) throw error
      // nothing can be written here (read-only home): still work with the last good generation
      const last = await this.#load(`${this.path}.bak`)
      this.#warn(`${sanitizeLine(this.path)} is broken (${why}) and cannot be replaced; ${last.kind === 'ok' ? 'its backup is used' : 'it counts as empty'}`)
      return last.kind === 'ok' ? last.value : this.#options.initial()
    }
  }

  async #setAside(why: string): Promise<T> {
    const aside = `${this.path}.corrupt-${new Date().toISOString().replaceAll(/[:.]/g, '-')}`
    const last = await this.#load(`${this.path}.bak`)
    const value = last.kind === 'ok' && !last.newer ? last.value : this.#options.initial()
    await duplicate(this.path, aside).catch(() => undefined)
    await this.#write(value, false)
    this.#warn(`${sanitizeLine(this.path)} was broken (${why}); it is kept as ${sanitizeLine(aside)}, and ${last.kind === 'ok' ? 'its last backup is used' : 'an empty one is used'}`)
    return value
  }

  async #load(path: string): Promise<Read<T>> {
    let bytes: Uint8Array
    try {
      const file = await open(path, 'r')
      try {
        const stat = await file.stat()
        this.#options.inspect?.(stat)
        if (!stat.isFile()) return {kind: 'broken', why: 'not a file'}
        if (stat.size > (this.#options.maxBytes ?? 64 * 2 ** 20)) return {kind: 'broken', why: 'too big'}
        bytes = await file.readFile()
      } finally {
        await file.close()
      }
    } catch (error) {
      if (errnoOf(error) === 'ENOENT') return {kind: 'missing'}
      throw cannotRead(path, error)
    }
    return this.#parse(bytes)
  }

  #parse(bytes: Uint8Array): Read<T> {
    if (bytes.length === 0) return {kind: 'broken', why: 'empty'}
    if (!isUtf8(bytes)) return {kind: 'broken', why: 'not UTF-8'}
    let raw: unknown
    try {
      raw = parseJson(new TextDecoder().decode(bytes))
    } catch (error) {
      return {kind: 'broken', why: error instanceof RangeError ? 'nested too deeply' : 'not JSON'}
    }
    if (!isObject(raw)) return {kind: 'broken', why: 'not a JSON object'}
    const {version = this.#options.version, ...fields} = raw
    if (typeof version !== 'number' || !Number.isSafeInteger(version) || version < 0) return {kind: 'broken', why: 'no valid version'}
    const newer = version > this.#options.version
    let value: T | undefined
    try {
      value = this.#options.parse(fields, version)
    } catch {
      value = undefined
    }
    if (value !== undefined) return {kind: 'ok', value, newer}
    if (newer) throw this.#tooNew()
    return {kind: 'broken', why: 'unexpected content'}
  }

  #tooNew(): CgpuError {
    return errors.cannotWrite(`${sanitizeLine(this.path)} was written by a newer cgpu`, {
      code: 'STATE_TOO_NEW', fix: 'update cgpu, or use another CGPU_CONFIG_DIR and CGPU_DATA_DIR', details: {path: this.path},
    })
  }

  #warn(message: string): void {
    this.#options.onWarning?.(message)
  }
}

/** A second name for the file, or a copy where the file system has no hard links. */
async function duplicate(from: string, to: string): Promise<void> {
  await link(from, to).catch(() => copyFile(from, to))
}

function cannotRead(path: string, error: unknown): CgpuError {
  if (error instanceof CgpuError) return error
  // nothing can be kept there either: say so as a writer would
  if (errnoOf(error) === 'ENOTDIR') return cannotWrite(path, error)
  const cause = isShortOfFiles(error) ? causeOf(errnoOf(error)) : undefined
  const why = cause?.why ?? (errnoOf(error) === 'EACCES' ? 'permission denied' : sanitizeLine(String(error)))
  return errors.notFound(`cannot read ${sanitizeLine(path)}: ${why}`, {
    code: 'CANNOT_READ', category: 'file', fix: cause?.fix ?? 'make the file readable for you', details: {path}, cause: error,
  })
}
