import {join} from 'node:path'
import type {SecretStore} from '../provider.ts'
import {isObject} from '../state/json.ts'
import {JsonFile} from '../state/json-file.ts'
import {FileSecretStore} from '../state/secrets.ts'

/** Where a value of cgpu's own store is. */
export type SecretPlace = 'keyring' | 'file'

export interface SecretVaultOptions {
  configDir: string
  /** the system's keyring, opened when it is needed; absent: values are kept in `secrets.json` */
  keyring?: (() => Promise<SecretStore>) | undefined
  onWarning?: ((message: string) => void) | undefined
}

/**
 * cgpu's own store of the secrets that its user gives to runs: values in the system's keyring, else in `secrets.json`, 0600.
 * Their names, which are no secrets, are in `secret-names.json`, as a keyring cannot list.
 */
export class SecretVault {
  readonly #names: JsonFile<{names: Record<string, SecretPlace>}>
  readonly #file: FileSecretStore
  readonly #options: SecretVaultOptions
  #keyring: Promise<SecretStore> | undefined

  constructor(options: SecretVaultOptions) {
    const {configDir, onWarning} = options
    this.#options = options
    this.#file = new FileSecretStore(configDir, {onWarning})
    this.#names = new JsonFile({
      path: join(configDir, 'secret-names.json'),
      version: 1,
      backup: false,
      initial: () => ({names: {}}),
      parse: value => (isObject(value['names']) ? {names: placesOf(value['names'])} : undefined),
      onWarning,
    })
  }

  /** Names and where their values are. */
  async places(): Promise<Record<string, SecretPlace>> {
    return (await this.#names.read()).names
  }

  /** Throws KEYRING_UNAVAILABLE or SECRETS_EXPOSED (67). */
  async get(name: string): Promise<string | undefined> {
    const place = await this.#place(name)
    if (place === undefined) return undefined
    return (await this.#store(place)).get(key(name))
  }

  /** Keeps it where it is best kept, and returns where. Says so when that is a file though there should be a keyring. */
  async set(name: string, value: string): Promise<SecretPlace> {
    const place = await this.#write(name, value)
    await this.#names.update(({names}) => ({names: {...names, [name]: place}}))
    return place
  }

  /** False: it was not there. */
  async delete(name: string): Promise<boolean> {
    const place = await this.#place(name)
    if (place === undefined) return false
    await (await this.#store(place)).delete(key(name))
    await this.#names.update(({names}) => ({names: Object.fromEntries(Object.entries(names).filter(([one]) => one !== name))}))
    return true
  }

  async #place(name: string): Promise<SecretPlace | undefined> {
    const places = await this.places()
    return Object.hasOwn(places, name) ? places[name] : undefined
  }

  async #write(name: string, value: string): Promise<SecretPlace> {
    if (this.#options.keyring) {
      try {
        await (await this.#store('keyring')).set(key(name), value)
        await this.#file.delete(key(name))
        return 'keyring'
      } catch (error) {
        this.#options.onWarning?.(`${error instanceof Error ? error.message : String(error)}; the secret is kept in ${this.#file.path}, which only you can read`)
      }
    }
    await this.#file.set(key(name), value)
    return 'file'
  }

  async #store(place: SecretPlace): Promise<SecretStore> {
    const {keyring} = this.#options
    if (place === 'file' || !keyring) return this.#file
    return (this.#keyring ??= keyring())
  }
}

const key = (name: string): string => `secret ${name}`

/** A place that is not known, of a newer cgpu, is not ours to look into. */
function placesOf(value: Record<string, unknown>): Record<string, SecretPlace> {
  const places: Record<string, SecretPlace> = {}
  for (const [name, place] of Object.entries(value)) if (place === 'keyring' || place === 'file') places[name] = place
  return places
}
