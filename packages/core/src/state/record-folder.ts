import {readdir} from 'node:fs/promises'
import {join} from 'node:path'
import {JsonFile} from './json-file.ts'
import {errnoOf} from './write-error.ts'

export interface RecordFolderOptions<T> {
  folder: string
  /** what the record is called in its file */
  key: string
  idOf: (record: T) => string
  /** it becomes a path */
  isId: (id: string) => boolean
  /** thrown for what is no id */
  refuse: (id: string) => Error
  /** undefined: it is not one */
  parse: (value: unknown) => T | undefined
  onWarning?: ((message: string) => void) | undefined
}

/** Records that many processes read and change: a small file each, named by its id. Writers of one record take turns, others never wait. */
export class RecordFolder<T> {
  readonly #options: RecordFolderOptions<T>

  constructor(options: RecordFolderOptions<T>) {
    this.#options = options
  }

  async ids(): Promise<string[]> {
    const names = await readdir(this.#options.folder).catch((error: unknown) => {
      if (errnoOf(error) === 'ENOENT') return []
      throw error
    })
    return names.filter((name) => name.endsWith('.json')).map((name) => name.slice(0, -'.json'.length)).filter(this.#options.isId)
  }

  async all(): Promise<T[]> {
    return (await Promise.all((await this.ids()).map((id) => this.get(id)))).filter((one) => one !== undefined)
  }

  async get(id: string): Promise<T | undefined> {
    return (await this.#file(id).read())[this.#options.key]
  }

  async put(record: T): Promise<void> {
    await this.#file(this.#options.idOf(record)).update(() => this.#kept(record))
  }

  /** False: there is one of this id, which stays as it is. */
  async create(record: T): Promise<boolean> {
    let free = false
    await this.#file(this.#options.idOf(record)).update(({[this.#options.key]: old}) => {
      free = old === undefined
      return free ? this.#kept(record) : undefined
    })
    return free
  }

  /** Changes a record under its lock; where `change` gives undefined it stays as it is. Returns it as it is then; undefined when there is none. */
  async update(id: string, change: (old: T) => T | undefined): Promise<T | undefined> {
    const {key} = this.#options
    const kept = await this.#file(id).update(({[key]: old}) => {
      const next = old === undefined ? undefined : change(old)
      return next === undefined ? undefined : this.#kept(next)
    })
    return kept[key]
  }

  /** Under its lock: whoever changes it just now does not bring it back. */
  async remove(id: string): Promise<void> {
    await this.#file(id).remove()
  }

  /** A path beside the record's file. Throws what `refuse` makes. */
  beside(id: string, suffix: string): string {
    const {isId, refuse, folder} = this.#options
    if (!isId(id)) throw refuse(id)
    return join(folder, `${id}${suffix}`)
  }

  #kept(record: T): Record<string, T> {
    return {[this.#options.key]: record}
  }

  #file(id: string): JsonFile<Record<string, T>> {
    const {key, parse, idOf, onWarning} = this.#options
    return new JsonFile<Record<string, T>>({
      path: this.beside(id, '.json'), version: 1, initial: () => ({}), backup: false, onWarning,
      parse: (value) => {
        const record = parse(value[key])
        return record !== undefined && idOf(record) === id ? this.#kept(record) : undefined
      },
    })
  }
}
