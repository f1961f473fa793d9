import {existsSync} from 'node:fs'
import {readdir, unlink} from 'node:fs/promises'
import {join} from 'node:path'
import {errors} from '../errors.ts'
import {JsonFile} from '../state/json-file.ts'
import {errnoOf} from '../state/write-error.ts'
import {parseRecord, type RuntimeRecord} from './record.ts'

interface Kept {
  record?: RuntimeRecord
  /** where the account is that it belongs to, when that is not the usual place */
  realm?: string
}

/** Of another realm nobody says that it is gone; no machine of an account lives so long. */
const forgottenAfterMs = 30 * 86_400_000
const readAtOnce = 16

/** The remembered runtimes: one small file each, so that commands on different runtimes never wait for each other. */
export class RecordStore {
  readonly #folder: string
  readonly #state: string
  readonly #onWarning: ((message: string) => void) | undefined
  readonly #realm: string | null | undefined

  /**
   * `state` is the `state/` folder of cgpu's data folder. Runtimes of accounts are those of `realm` (null: the usual one): an
   * emulator that knows nothing of a machine says nothing of one at Google. Absent: those of all.
   */
  constructor(state: string, onWarning?: (message: string) => void, realm?: string | null) {
    this.#state = state
    this.#realm = realm
    this.#folder = join(state, 'runtimes')
    this.#onWarning = onWarning
  }

  async list(): Promise<RuntimeRecord[]> {
    return this.#each((id) => this.get(id))
  }

  /** Those of other realms, with theirs (null: the usual one): whoever cannot be asked about them any more may only forget them. */
  async elsewhere(): Promise<{record: RuntimeRecord; realm: string | null}[]> {
    return this.#each(async (id) => {
      const kept = await this.#file(id).read()
      return kept.record && !this.#isHere(kept) ? {record: kept.record, realm: kept.realm ?? null} : undefined
    })
  }

  async #each<T>(read: (id: string) => Promise<T | undefined>): Promise<T[]> {
    let names: string[]
    try {
      names = await readdir(this.#folder)
    } catch (error) {
      if (errnoOf(error) === 'ENOENT') return []
      throw error
    }
    const ids = names.filter((name) => name.endsWith('.json')).map((name) => name.slice(0, -'.json'.length))
    const found: (T | undefined)[] = []
    // a process may have few files open at once (256 on macOS)
    for (let at = 0; at < ids.length; at += readAtOnce) found.push(...(await Promise.all(ids.slice(at, at + readAtOnce).map(read))))
    return found.filter((one) => one !== undefined)
  }

  async get(id: string): Promise<RuntimeRecord | undefined> {
    const kept = await this.#file(id).read()
    if (this.#isHere(kept)) return kept.record
    if (kept.record && Date.now() - Date.parse(kept.record.createdAt) > forgottenAfterMs) await this.remove(id)
    return undefined
  }

  /** Its realm, also where that is another one (null: the usual one); of no account's: the one that asks. Undefined: it is not remembered. */
  async realmOf(id: string): Promise<string | null | undefined> {
    const kept = await this.#file(id).read()
    if (!kept.record) return undefined
    return this.#isHere(kept) ? (this.#realm ?? null) : (kept.realm ?? null)
  }

  async put(record: RuntimeRecord): Promise<void> {
    await this.#file(record.id).update(() => this.#keep(record))
  }

  /** Puts it unless there is one: the command that makes a runtime knows it better than one that only saw it. Returns what there is. */
  async add(record: RuntimeRecord): Promise<RuntimeRecord> {
    const {record: kept} = await this.#file(record.id).update((old) => (old.record && this.#isHere(old) ? undefined : this.#keep(record)))
    return kept ?? record
  }

  /** Changes a record under its lock. Throws NOT_FOUND when another command removed it. */
  async update(id: string, change: (old: RuntimeRecord) => RuntimeRecord): Promise<RuntimeRecord> {
    const {record} = await this.#file(id).update((old) => (old.record ? {...old, ...this.#keep(change(old.record))} : undefined))
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

  /** Runs `fn` while no other command makes a runtime of this name. `name` is valid. Throws LOCK_TIMEOUT (72). */
  async naming<T>(name: string, fn: () => Promise<T>, options: {timeoutMs: number; signal?: AbortSignal | undefined}): Promise<T> {
    const {withLock} = await import('../state/lock.ts')
    const {timeoutMs, signal} = options
    return withLock(join(this.#folder, `name-${name}.lock`), fn, {timeoutMs, ...(signal ? {signal} : {})})
  }

  /** False: this provider never kept anything here, so it need not even be loaded. */
  hasProviderState(provider: string): boolean {
    return existsSync(join(this.#state, 'providers', provider))
  }

  #keep(record: RuntimeRecord): Kept {
    return {record, ...(record.account === undefined || this.#realm == null ? {} : {realm: this.#realm})}
  }

  #isHere({record, realm}: Kept): boolean {
    return this.#realm === undefined || record?.account === undefined || (realm ?? null) === this.#realm
  }

  #file(id: string): JsonFile<Kept> {
    return new JsonFile<Kept>({
      path: join(this.#folder, `${id}.json`),
      version: 1,
      initial: () => ({}),
      parse: (value) => {
        const record = parseRecord(value['record'])
        const {realm} = value
        return record && record.id === id ? {record, ...(typeof realm === 'string' ? {realm} : {})} : undefined
      },
      onWarning: this.#onWarning,
    })
  }
}
