import {closeSync, existsSync, fstatSync, mkdirSync, openSync, readSync, renameSync, rmSync, statSync, writeSync} from 'node:fs'
import {appendFile, open, readFile, rename, rm} from 'node:fs/promises'
import {dirname, join} from 'node:path'
import {withLock} from '../state/lock.ts'
import {tempSuffix} from '../state/atomic.ts'
import {uniqueTag} from '../state/token.ts'
import {cannotWrite, errnoOf} from '../state/write-error.ts'
import {type EndFields, type HistoryRecord, parseRecord} from './entry.ts'
import {currentName, nextRotatedName, rotatedNames} from './files.ts'
import {fitted} from './fit.ts'

export interface HistoryLimits {
  /** the current file is rotated when it is longer */
  maxBytes: number
  /** so many rotated files of that length are kept */
  keep: number
}

const usual: HistoryLimits = {maxBytes: 16 * 1024 * 1024, keep: 8}

/** The history's files. Appending takes no lock and waits for nobody; rotating and clearing do. */
export class HistoryStore {
  readonly folder: string
  readonly #limits: HistoryLimits

  constructor(stateDir: string, limits: Partial<HistoryLimits> = {}) {
    this.folder = join(stateDir, 'history')
    this.#limits = {...usual, ...limits}
  }

  get path(): string {
    return join(this.folder, currentName)
  }

  /**
   * Adds one line by one write, and rotates when the file has become too long. Synchronous up to there: a process that is about to
   * end gets it done. Throws CANNOT_WRITE (73); the history is then as it was, but for a line that may be torn.
   */
  async append(record: HistoryRecord): Promise<void> {
    const {id, t, at, ...fields} = fitted(record)
    // the id comes first: see files.ts
    const size = this.#write(Buffer.from(`${JSON.stringify({id, t, at, ...fields})}\n`))
    if (size > this.#limits.maxBytes) await this.#rotate().catch(() => undefined) // whoever holds the lock does it, or the next one
  }

  /** Returns the size of the file. */
  #write(line: Buffer): number {
    try {
      for (;;) {
        const fd = this.#open()
        try {
          const {size} = fstatSync(fd)
          // what a crash tore must not swallow this line
          const bytes = size > 0 && !endsLine(fd, size) ? Buffer.concat([Buffer.from('\n'), line]) : line
          if (writeSync(fd, bytes) < bytes.length) throw Object.assign(new Error('the disk is full'), {code: 'ENOSPC'})
          // replaced by `clear` since it was opened: the line would go with the old file
          if (fstatSync(fd).nlink > 0 || process.platform === 'win32') return size + bytes.length
        } finally {
          closeSync(fd)
        }
      }
    } catch (error) {
      throw cannotWrite(this.path, error)
    }
  }

  #open(): number {
    try {
      return openSync(this.path, 'a+', 0o600)
    } catch (error) {
      if (errnoOf(error) !== 'ENOENT') throw error
      mkdirSync(this.folder, {recursive: true, mode: 0o700})
      return openSync(this.path, 'a+', 0o600)
    }
  }

  async #rotate(): Promise<void> {
    await this.#locked(() => {
      if (statSync(this.path).size <= this.#limits.maxBytes) return
      this.#setAside()
      const {maxBytes, keep} = this.#limits
      // what `clear` left of a file counts for little
      let room = keep * maxBytes
      for (const name of rotatedNames(this.folder).toReversed()) {
        const path = join(this.folder, name)
        room -= Math.min(maxBytes, statSync(path).size)
        if (room < 0) rmSync(path, {force: true})
      }
    }, 200)
  }

  /** Writers that have the file open still append to it under its new name: nothing is lost, and lines stay in their order. */
  #setAside(): void {
    renameSync(this.path, join(this.folder, nextRotatedName(rotatedNames(this.folder).at(-1), Date.now())))
  }

  /**
   * Leaves only the lines for which `keep` says so. What is written meanwhile is kept. Throws CANNOT_WRITE (73) or
   * LOCK_TIMEOUT (72); each file is then whole, as it was or as it should be.
   */
  async rewrite(keep: (line: string) => boolean): Promise<void> {
    await this.#locked(async () => {
      try {
        if (existsSync(this.path) && !linesOf(await readFile(this.path)).every(keep)) this.#setAside()
      } catch (error) {
        throw cannotWrite(this.path, error)
      }
      for (const name of rotatedNames(this.folder)) await rewriteFile(join(this.folder, name), keep)
    })
  }

  async #locked(work: () => void | Promise<void>, timeoutMs?: number): Promise<void> {
    if (!existsSync(this.folder)) return
    await withLock(join(this.folder, 'history.lock'), work, timeoutMs === undefined ? {} : {timeoutMs})
  }

  /** Bytes that the history takes. */
  size(): number {
    return [...rotatedNames(this.folder), currentName].reduce((sum, name) => sum + (statSync(join(this.folder, name), {throwIfNoEntry: false})?.size ?? 0), 0)
  }
}

const linesOf = (bytes: Buffer): string[] => bytes.toString('utf8').split('\n').filter(line => line !== '')
const joinedLines = (lines: readonly string[]): string => lines.map(line => `${line}\n`).join('')

async function rewriteFile(path: string, keep: (line: string) => boolean): Promise<void> {
  const temp = join(dirname(path), `.history.${process.pid}-${uniqueTag()}${tempSuffix}`)
  const file = await open(path, 'r')
  try {
    const before = await file.readFile()
    // behind the last line end may be the first half of a line that is being written
    const whole = before.lastIndexOf('\n') + 1
    const lines = linesOf(before.subarray(0, whole))
    const kept = lines.filter(keep)
    if (kept.length === lines.length && whole === before.length) return
    const out = await open(temp, 'wx', 0o600)
    await out.writeFile(joinedLines(kept))
    await out.sync()
    await out.close()
    await rename(temp, path)
    // who had the file open before it was set aside may have written to the old one since it was read; who does so later sees that it is gone
    const late = linesOf(Buffer.concat([before.subarray(whole), await file.readFile()])).filter(line => parseRecord(line) !== undefined)
    if (late.length > 0) await appendFile(path, joinedLines(late))
    else if (kept.length === 0) await rm(path, {force: true})
  } catch (error) {
    await rm(temp, {force: true})
    throw cannotWrite(path, error)
  } finally {
    await file.close()
  }
}

function endsLine(fd: number, size: number): boolean {
  const last = Buffer.alloc(1)
  return readSync(fd, last, 0, 1, size - 1) === 1 && last[0] === 0x0a
}

/**
 * Tells the history how an execution ended. Any process may: of several ends the first counts, unless it only said that nobody
 * watched any longer; one of an execution that was never begun is not shown.
 */
export async function recordEnd(store: HistoryStore, id: string, end: EndFields, at = new Date()): Promise<void> {
  await store.append({id, t: 'end', at: at.toISOString(), ...end})
}
