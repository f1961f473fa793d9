import {z} from 'zod/mini'
import {parseJson} from '@cgpu/core/state/json'
import {FileSecretStore} from '@cgpu/core/state/secrets'
import type {SecretStore} from '@cgpu/core/provider'
import type {AccountRecord} from './record.ts'
import {type Keyring, openKeyring} from './keyring.ts'

/** What is secret about an account, small enough for every system's keyring (Windows takes 2.5 KB). */
export interface AccountSecret {
  refreshToken?: string | undefined
  clientSecret?: string | undefined
}

const shape = z.object({refreshToken: z.optional(z.string()), clientSecret: z.optional(z.string())})
type Place = NonNullable<AccountRecord['store']>

export interface SecretsOptions {
  configDir: string
  /** false: the file, even where there is a keyring */
  useKeyring: boolean
  onWarning?: ((message: string) => void) | undefined
  keyring?: () => Promise<Keyring>
}

/** Refresh tokens and client secrets: in the system's keyring, else in `secrets.json`, 0600. */
export class AccountSecrets {
  readonly path: string
  readonly #file: SecretStore
  readonly #options: SecretsOptions
  #keyring: Promise<Keyring> | undefined

  constructor(options: SecretsOptions) {
    this.#options = options
    const file = new FileSecretStore(options.configDir, {onWarning: options.onWarning})
    this.path = file.path
    this.#file = file
  }

  /** Undefined: it is not there any more. Throws KEYRING_UNAVAILABLE or SECRETS_EXPOSED (67). */
  async get(key: string, place: Place): Promise<AccountSecret | undefined> {
    const text = place === 'keyring' ? await (await this.#open()).get(key) : await this.#file.get(fileKey(key))
    if (text === undefined) return undefined
    try {
      return z.safeParse(shape, parseJson(text)).data
    } catch {
      return undefined
    }
  }

  /** Keeps it where it is, a new one where it is best kept. Returns where; says so when that is a file though a keyring was wanted. */
  async set(key: string, secret: AccountSecret, place?: Place): Promise<Place> {
    const text = JSON.stringify(secret)
    if (place === undefined ? this.#options.useKeyring : place === 'keyring') {
      try {
        await (await this.#open()).set(key, text)
        await this.#file.delete(fileKey(key))
        return 'keyring'
      } catch (error) {
        const why = error instanceof Error ? error.message : String(error)
        this.#options.onWarning?.(`${why}; the sign-in is kept in ${this.path}, which only you can read`)
      }
    }
    await this.#file.set(fileKey(key), text)
    return 'file'
  }

  /** From both places, as an earlier sign-in may have used the other one. */
  async delete(key: string, place: Place | undefined): Promise<void> {
    await this.#file.delete(fileKey(key))
    if (place !== 'keyring' && !this.#options.useKeyring) return
    try {
      await (await this.#open()).delete(key)
    } catch (error) {
      if (place === 'keyring') this.#options.onWarning?.(`${error instanceof Error ? error.message : String(error)}; what it holds of this sign-in stays there`)
    }
  }

  #open(): Promise<Keyring> {
    return (this.#keyring ??= (this.#options.keyring ?? openKeyring)())
  }
}

const fileKey = (key: string): string => `account ${key}`
