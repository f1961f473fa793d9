import {readFile, stat} from 'node:fs/promises'
import {homedir} from 'node:os'
import {dirname, join} from 'node:path'
import {findProjectFile} from '../config/project.ts'
import {CgpuError, errors} from '../errors.ts'
import {parseEnvFile} from '../script/env-file.ts'
import {errnoOf} from '../state/write-error.ts'
import {didYouMean} from '../text/closest.ts'
import {sanitizeLine} from '../text/line.ts'
import type {SecretPlace, SecretVault} from './vault.ts'

/** Strongest first: this process's environment, the `.env` file of the project's folder, cgpu's own store. */
export type SecretSource = 'environment' | '.env' | SecretPlace

/** A secret that a plugin's source is asked for. */
export interface ReferredSecret {
  name: string
  source: string
  reference: string
}

export interface SecretSourcesOptions {
  env: NodeJS.ProcessEnv
  cwd: string
  vault: SecretVault
  home?: string
  /** the value that a plugin's source has; absent: plugins are not asked */
  fromPlugin?: (request: ReferredSecret) => Promise<string>
  /** told each value that is used, so that no log has it */
  onFound?: (value: string) => void
}

const maxEnvFileBytes = 1 << 20

/** Where the values of secrets come from. */
export class SecretSources {
  readonly #options: SecretSourcesOptions
  #dotEnv: Promise<Record<string, string>> | undefined

  constructor(options: SecretSourcesOptions) {
    this.#options = options
  }

  /** Empty texts count as absent. Throws ENV_FILE_INVALID (65), CANNOT_READ (66), or as the vault does. */
  async find(name: string): Promise<string | undefined> {
    const value = own(this.#options.env, name) || own(await this.#file(), name) || (await this.#options.vault.get(name))
    if (value) this.#options.onFound?.(value)
    return value
  }

  /** What a plugin's source has. Throws SECRET_SOURCE_UNKNOWN (64), and as the source does. */
  async read(request: ReferredSecret): Promise<string> {
    const {fromPlugin} = this.#options
    if (!fromPlugin) throw unknownSource(request, [])
    const value = await fromPlugin(request)
    this.#options.onFound?.(value)
    return value
  }

  /** The names that `.env` and the store hold, each with every source that has it. The environment alone makes no secret. */
  async known(): Promise<Map<string, SecretSource[]>> {
    const [file, places] = await Promise.all([this.#file(), this.#options.vault.places()])
    const found = new Map<string, SecretSource[]>()
    for (const name of [...Object.keys(file), ...Object.keys(places)].sort()) {
      const place = own(places, name)
      found.set(name, [
        ...(own(this.#options.env, name) ? ['environment' as const] : []), ...(own(file, name) ? ['.env' as const] : []), ...(place ? [place] : []),
      ])
    }
    return found
  }

  #file(): Promise<Record<string, string>> {
    return (this.#dotEnv ??= this.#read())
  }

  async #read(): Promise<Record<string, string>> {
    const {cwd, home = homedir()} = this.#options
    const project = findProjectFile(cwd, home)
    const path = join(project === undefined ? cwd : dirname(project), '.env')
    try {
      // a folder of this name is a virtual environment to some
      const info = await stat(path)
      if (!info.isFile()) return {}
      if (info.size > maxEnvFileBytes) throw errors.data(`${sanitizeLine(path)} is too big for an env file`, {code: 'ENV_FILE_INVALID', fix: 'keep it under 1 MiB', details: {path}})
      return parseEnvFile(await readFile(path, 'utf8'), path)
    } catch (error) {
      if (error instanceof CgpuError) throw error
      const errno = errnoOf(error)
      if (errno === 'ENOENT' || errno === 'ENOTDIR') return {}
      throw errors.notFound(`${sanitizeLine(path)} cannot be read: ${errno ?? sanitizeLine(String(error))}`, {code: 'CANNOT_READ', category: 'file', fix: 'make the file readable for you', details: {path}})
    }
  }
}

/** `known`: sources that there are; `fix`: where something better is known. */
export function unknownSource({name, source}: ReferredSecret, known: readonly string[], fix?: string): CgpuError {
  const there = known.length > 0 ? `plugins bring ${known.join(', ')}` : 'install a plugin that brings it: cgpu plugins search secrets'
  return errors.usage(`there is no source of secrets "${sanitizeLine(source, 40)}", which ${name} is to come from`, {
    code: 'SECRET_SOURCE_UNKNOWN', category: 'plugin', fix: fix ?? [didYouMean(source, known), there].filter(Boolean).join(' '), details: {name, source},
  })
}

function own<T>(record: Readonly<Record<string, T>>, name: string): T | undefined {
  return Object.hasOwn(record, name) ? record[name] : undefined
}
