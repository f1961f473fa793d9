import {createReadStream} from 'node:fs'
import {appendFile, mkdir} from 'node:fs/promises'
import {dirname} from 'node:path'
import {createInterface} from 'node:readline'
import {writeAtomic} from '@cgpu/core/state/atomic'
import {errnoOf} from '@cgpu/core/state/write-error'
import {z} from 'zod'
import {type DriveFile, type Tombstone, fileSchema} from './model.ts'

const tombstoneSchema = z.object({id: z.string(), seq: z.number(), time: z.number(), emails: z.array(z.string())})

const lineSchema = z.union([
  z.object({file: fileSchema}),
  z.object({gone: tombstoneSchema}),
  z.object({root: z.object({email: z.string(), id: z.string()})}),
])

type Line = {file: DriveFile} | {gone: Tombstone} | {root: {email: string; id: string}}

export interface Loaded {
  files: Map<string, DriveFile>
  roots: Map<string, string>
  gone: Tombstone[]
}

/** JSON lines, the newest of a file counts. A line that a crash cut short is left out. Rewritten whole when it is opened. */
export class Journal {
  readonly #path: string
  #waiting: string[] = []
  #writing: Promise<void> = Promise.resolve()

  constructor(path: string) {
    this.#path = path
  }

  async load(): Promise<Loaded> {
    const loaded: Loaded = {files: new Map(), roots: new Map(), gone: []}
    await mkdir(dirname(this.#path), {recursive: true, mode: 0o700})
    let lines = 0
    try {
      for await (const text of createInterface({input: createReadStream(this.#path), crlfDelay: Infinity})) {
        lines++
        apply(loaded, text)
      }
    } catch (error) {
      if (errnoOf(error) !== 'ENOENT') throw error
    }
    if (lines > 0) await this.#compact(loaded)
    return loaded
  }

  add(line: Line): void {
    this.#waiting.push(`${JSON.stringify(line)}\n`)
  }

  /** Resolves when everything added so far is written. */
  flush(): Promise<void> {
    if (this.#waiting.length > 0) {
      const next = this.#writing.catch(() => undefined).then(() => this.#write())
      this.#writing = next
    }
    return this.#writing
  }

  async #write(): Promise<void> {
    const text = this.#waiting.join('')
    this.#waiting = []
    if (text !== '') await appendFile(this.#path, text, {mode: 0o600})
  }

  async #compact(loaded: Loaded): Promise<void> {
    const lines: Line[] = [
      ...[...loaded.roots].map(([email, id]) => ({root: {email, id}})),
      ...[...loaded.files.values()].map((file) => ({file})),
      ...loaded.gone.map((gone) => ({gone})),
    ]
    await writeAtomic(this.#path, lines.map((line) => `${JSON.stringify(line)}\n`).join(''))
  }
}

function apply(loaded: Loaded, text: string): void {
  let line: Line
  try {
    line = lineSchema.parse(JSON.parse(text))
  } catch {
    return
  }
  if ('file' in line) loaded.files.set(line.file.id, line.file)
  else if ('root' in line) loaded.roots.set(line.root.email, line.root.id)
  else {
    loaded.files.delete(line.gone.id)
    loaded.gone.push(line.gone)
  }
}
