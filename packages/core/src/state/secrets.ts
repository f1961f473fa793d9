import {join} from 'node:path'
import {errors} from '../errors.ts'
import type {SecretStore} from '../provider.ts'
import {sanitizeLine} from '../text/line.ts'
import {JsonFile} from './json-file.ts'
import {isObject, isStringRecord} from './json.ts'

interface SecretsFile {
  secrets: Record<string, string>
}

export interface FileSecretStoreOptions {
  onWarning?: ((message: string) => void) | undefined
}

/** Secrets in `<config>/secrets.json`, readable by its owner only. Throws SECRETS_EXPOSED (exit 67) when others may read it. */
export class FileSecretStore implements SecretStore {
  readonly path: string
  readonly #file: JsonFile<SecretsFile>

  constructor(configDir: string, options: FileSecretStoreOptions = {}) {
    this.path = join(configDir, 'secrets.json')
    this.#file = new JsonFile<SecretsFile>({
      path: this.path,
      version: 1,
      backup: false,
      initial: () => ({secrets: {}}),
      parse: value => (isObject(value) && isStringRecord(value['secrets']) ? {secrets: value['secrets']} : undefined),
      inspect: stat => this.#refuseExposed(stat.mode),
      onWarning: options.onWarning,
    })
  }

  async get(key: string): Promise<string | undefined> {
    const {secrets} = await this.#file.read()
    return Object.hasOwn(secrets, key) ? secrets[key] : undefined
  }

  async set(key: string, value: string): Promise<void> {
    await this.#file.update(({secrets}) => ({secrets: {...secrets, [key]: value}}))
  }

  /** Deleting what is not there succeeds, and writes nothing. */
  async delete(key: string): Promise<void> {
    await this.#file.update(({secrets}) => {
      if (!Object.hasOwn(secrets, key)) return undefined
      return {secrets: Object.fromEntries(Object.entries(secrets).filter(([name]) => name !== key))}
    })
  }

  #refuseExposed(mode: number): void {
    if (process.platform === 'win32' || (mode & 0o077) === 0) return
    const path = sanitizeLine(this.path)
    throw errors.auth(`${path} holds secrets, and other users of this machine may read it (mode ${(mode & 0o777).toString(8)})`, {
      code: 'SECRETS_EXPOSED', category: 'file', fix: `chmod 600 ${path}`, details: {path: this.path},
    })
  }
}
