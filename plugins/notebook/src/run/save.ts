import {access, constants, stat} from 'node:fs/promises'
import {dirname} from 'node:path'
import {errors, sanitizeLine, writeAtomic} from '@cgpu/plugin-sdk'
import type {Notebook} from '../format/model.ts'
import {notebookChunks} from '../format/write.ts'

/** The pause after a write, in times of what it took: a notebook of hundreds of megabytes is not written all the time. */
const pauseFactor = 10
/** While a cell goes on printing. */
const whilePrintingMs = 5_000

/** Writes the executed copy while the notebook runs: after every cell, less often where a write takes long; `finish` always writes the last state. */
export class Saver {
  readonly #path: string
  readonly #notebook: Notebook
  readonly #mode: number
  #writing: Promise<void> | undefined
  #timer: NodeJS.Timeout | undefined
  #due = 0
  #dirty = false
  /** a cell ended while this was written */
  #urgent = false
  #finished = false
  #failure: unknown

  private constructor(path: string, notebook: Notebook, mode: number) {
    this.#path = path
    this.#notebook = notebook
    this.#mode = mode
  }

  /** Throws CANNOT_WRITE (73) where the copy could not be written later. */
  static async open(path: string, notebook: Notebook): Promise<Saver> {
    const there = await stat(path).catch(() => undefined)
    if (there?.isDirectory()) throw errors.cannotWrite(`${sanitizeLine(path)} is a folder`, {code: 'CANNOT_WRITE', fix: 'give the path of a file with -o'})
    const writable = await access(there ? path : dirname(path), constants.W_OK).then(() => true, () => false)
    const folder = await access(dirname(path), constants.W_OK).then(() => true, () => false)
    if (!writable || !folder) {
      const exists = await stat(dirname(path)).then(() => true, () => false)
      throw errors.cannotWrite(`${sanitizeLine(path)} cannot be written: ${exists ? 'permission denied' : 'there is no such folder'}`, {code: 'CANNOT_WRITE', fix: 'give another path with -o'})
    }
    return new Saver(path, notebook, there ? there.mode & 0o777 : 0o666)
  }

  changed(when: 'cell' | 'output'): void {
    this.#dirty = true
    this.#urgent ||= when === 'cell'
    if (this.#writing || (this.#timer && when === 'output')) return
    this.#plan(when === 'output' ? whilePrintingMs : 0)
  }

  /** Writes what there is now, the last time. Throws CANNOT_WRITE (73). */
  async finish(): Promise<void> {
    this.#finished = true
    clearTimeout(this.#timer)
    await this.#writing
    if (this.#dirty) await this.#write()
    if (this.#failure !== undefined) throw this.#failure
  }

  #plan(atLeastMs: number): void {
    clearTimeout(this.#timer)
    this.#timer = setTimeout(() => {
      this.#timer = undefined
      this.#writing = this.#write()
    }, Math.max(atLeastMs, this.#due - performance.now()))
  }

  /** A failure is kept for `finish`: a later write may succeed. */
  async #write(): Promise<void> {
    const started = performance.now()
    this.#dirty = false
    this.#urgent = false
    try {
      await writeAtomic(this.#path, notebookChunks(this.#notebook), {mode: this.#mode, followLink: true})
      this.#failure = undefined
    } catch (error) {
      this.#failure = error
      this.#dirty = true
      this.#urgent = false
    }
    const ended = performance.now()
    this.#due = ended + (ended - started) * pauseFactor
    this.#writing = undefined
    if (this.#dirty && !this.#finished) this.#plan(this.#urgent ? 0 : whilePrintingMs)
  }
}
