import {access, constants, mkdtemp, stat} from 'node:fs/promises'
import {tmpdir} from 'node:os'
import {basename, dirname, join} from 'node:path'
import {type CgpuError, errors, sanitizeLine, writeAtomic} from '@cgpu/plugin-sdk'
import type {Notebook} from '../format/model.ts'
import {notebookChunks} from '../format/write.ts'

/** The pause after a write, in times of what it took: a notebook of hundreds of megabytes is not written all the time. */
const pauseFactor = 10
/** While a cell goes on printing. */
const whilePrintingMs = 5_000

/** Keeps the executed copy: `changed` tells that there is something new, `finish` writes the last state. */
export interface CopySaver {
  changed(when: 'cell' | 'output'): void
  finish(): Promise<void>
}

/** Writes the executed copy while the notebook runs: after every cell, less often where a write takes long; `finish` always writes the last state. */
export class Saver implements CopySaver {
  #path: string
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
  /** of the notebook itself, as it was read or written last */
  #mark: string | undefined
  #conflict: CgpuError | undefined

  private constructor(path: string, notebook: Notebook, mode: number) {
    this.#path = path
    this.#notebook = notebook
    this.#mode = mode
  }

  /** `original`: it is the notebook itself, which nobody else may write meanwhile. Throws CANNOT_WRITE (73) where the copy could not be written later. */
  static async open(path: string, notebook: Notebook, {original = false} = {}): Promise<Saver> {
    const there = await stat(path).catch(() => undefined)
    if (there?.isDirectory()) throw errors.cannotWrite(`${sanitizeLine(path)} is a folder`, {code: 'CANNOT_WRITE', fix: 'give the path of a file with -o'})
    const writable = await access(there ? path : dirname(path), constants.W_OK).then(() => true, () => false)
    const folder = await access(dirname(path), constants.W_OK).then(() => true, () => false)
    if (!writable || !folder) {
      const exists = await stat(dirname(path)).then(() => true, () => false)
      throw errors.cannotWrite(`${sanitizeLine(path)} cannot be written: ${exists ? 'permission denied' : 'there is no such folder'}`, {code: 'CANNOT_WRITE', fix: 'give another path with -o'})
    }
    const saver = new Saver(path, notebook, there ? there.mode & 0o777 : 0o666)
    if (original) saver.#mark = await markOf(path)
    return saver
  }

  changed(when: 'cell' | 'output'): void {
    this.#dirty = true
    this.#urgent ||= when === 'cell'
    if (this.#writing || (this.#timer && when === 'output')) return
    this.#plan(when === 'output' ? whilePrintingMs : 0)
  }

  /** Writes what there is now, the last time. Throws CANNOT_WRITE (73); the copy is then in a folder of the system's for such. NOTEBOOK_CHANGED (72). */
  async finish(): Promise<void> {
    this.#finished = true
    clearTimeout(this.#timer)
    await this.#writing
    if (this.#dirty) await this.#write()
    if (this.#failure !== undefined) throw await this.#rescued(this.#failure)
    if (this.#conflict) throw this.#conflict
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
      await this.#stepAside()
      let bytes = 0
      const counted = function* (chunks: Iterable<string>): Iterable<string> {
        for (const chunk of chunks) {
          bytes += Buffer.byteLength(chunk)
          yield chunk
        }
      }
      await writeAtomic(this.#path, counted(notebookChunks(this.#notebook)), {mode: this.#mode, followLink: true})
      if (this.#mark !== undefined) this.#mark = await markOf(this.#path, bytes)
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

  /** Somebody saved the notebook while it ran: theirs stays, and this goes beside it. */
  async #stepAside(): Promise<void> {
    if (this.#mark === undefined) return
    const now = await markOf(this.#path)
    if (now === undefined || now === this.#mark) return
    const changed = this.#path
    this.#path = await freeName(changed)
    this.#mark = undefined
    this.#conflict = errors.conflict(`${sanitizeLine(changed)} was changed while it ran, and is left as it is`, {
      code: 'NOTEBOOK_CHANGED', category: 'file', fix: `take the outputs from the executed copy: ${sanitizeLine(this.#path)}`,
    })
  }

  /** What was executed is not lost with its place. */
  async #rescued(failure: unknown): Promise<unknown> {
    try {
      const path = join(await mkdtemp(join(tmpdir(), 'cgpu-notebook-')), basename(this.#path))
      await writeAtomic(path, notebookChunks(this.#notebook))
      const why = failure instanceof Error ? failure.message : String(failure)
      this.#failure = undefined
      return errors.cannotWrite(why, {code: 'CANNOT_WRITE', fix: `take the executed copy from ${path}`, cause: failure})
    } catch {
      return failure
    }
  }
}

/** Tells whether a file is still the same; undefined: there is none. With another size than `bytes` it is somebody else's already. */
async function markOf(path: string, bytes?: number): Promise<string | undefined> {
  const there = await stat(path, {bigint: true}).catch(() => undefined)
  return there && (bytes === undefined || there.size === BigInt(bytes) ? `${there.ino} ${there.size} ${there.mtimeNs}` : 'another')
}

async function freeName(path: string): Promise<string> {
  const name = path.replace(/\.ipynb$/i, '')
  for (let number = 1; ; number++) {
    const candidate = `${name}.out${number === 1 ? '' : `-${number}`}.ipynb`
    if (!(await stat(candidate).catch(() => undefined))) return candidate
  }
}
