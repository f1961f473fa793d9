import {existsSync} from 'node:fs'
import {readdir, unlink} from 'node:fs/promises'
import {join} from 'node:path'
import {errors} from '../errors.ts'
import {JsonFile} from '../state/json-file.ts'
import {errnoOf} from '../state/write-error.ts'
import {parseRecord, type RuntimeRecord} from './record.ts'

/** The remembered runtimes: one small file each, so that commands on different runtimes never wait for each other. */
export class RecordStore {
  readonly #folder: string
  readonly #state: string
  readonly #onWarning: ((message: string) => void) | undefined

  /** `state` is the `state/` folder of cgpu's data folder. */
  constructor(state: string, onWarning?: (message: string) => void) {
    this.#state = state
    this.#folder = join(state, 'runtimes')
    this.#onWarning = onWarning
  }

  async list(): Promise<RuntimeRecord[]> {
    let names: string[]
    try {
      names = await readdir(this.#folder)
    } catch (error) {
      if (errnoOf(error) === 'ENOENT') return []
      throw error
    }
    const ids = names.filter((name) => name.endsWith('.json')).map((name) => name.slice(0, -'.json'.length))
    const records = await Promise.all(ids.map((id) => this.get(id)))
    return records.filter((record) => record !== undefined)
  }

  async get(id: string): Promise<RuntimeRecord | undefined> {
    const {record} = await this.#file(id).read()
    return record
  }

  async put(record: RuntimeRecord): Promise<void> {
    await this.#file(record.id).update(() => ({record}))
  }

  /** Puts it unless there is one: the command that makes a runtime knows it better than one that only saw it. Returns what there is. */
  async add(record: RuntimeRecord): Promise<RuntimeRecord> {
    const {record: kept} = await this.#file(record.id).update(({record: old}) => (old ? undefined : {record}))
    return kept ?? record
  }

  /** Changes a record under its lock. Throws NOT_FOUND when another command removed it. */
  async update(id: string, change: (old: RuntimeRecord) => RuntimeRecord): Promise<RuntimeRecord> {
    const {record} = await this.#file(id).update(({record: old}) => (old ? {record: change(old)} : undefined))
    if (record) return record
    throw errors.notFound(`the runtime ${id} is not known any more`, {code: 'NOT_FOUND', fix: 'cgpu runtime list'})
  }

  async remove(id: string): Promise<void> {
    for (const suffix of ['.json', '.json.bak']) {
      await unlink(join(this.#folder, id + suffix)).catch((error: unknown) => {
        if (errnoOf(error) !== 'ENOENT') throw error
      })
    }
  }

  /** False: this provider never kept anything here, so it need not even be loaded. */
  hasProviderState(provider: string): boolean {
    return existsSync(join(this.#state, 'providers', provider))
  }

  #file(id: string): JsonFile<{record?: RuntimeRecord}> {
    return new JsonFile<{record?: RuntimeRecord}>({
      path: join(this.#folder, `${id}.json`),
      version: 1,
      initial: () => ({}),
      parse: (value) => {
        const record = parseRecord(value['record'])
        return record && record.id === id ? {record} : undefined
      },
      onWarning: this.#onWarning,
    })
  }
}
