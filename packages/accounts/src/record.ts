import {join} from 'node:path'
import {z} from 'zod/mini'
import type {Account} from '@cgpu/core/account'
import {googleHosts, type GoogleHosts} from '@cgpu/core/google/hosts'
import {JsonFile} from '@cgpu/core/state/json-file'

/** An account as `accounts.json` keeps it. No secrets. */
export interface AccountRecord extends Account {
  /** origin of the token endpoint that it signed in at: its tokens are good, and sent, nowhere else */
  realm: string
  /** where its refresh token is; absent where it has none of its own */
  store?: 'keyring' | 'file' | undefined
  clientId?: string | undefined
  /** absolute path of the key or ADC file that it signs in with */
  keyFile?: string | undefined
  /** ISO 8601 */
  createdAt: string
  /** why and since when its sign-in is over; it stays so until it signs in again */
  expired?: {at: string; reason: string} | undefined
}

const shape = z.object({
  accounts: z.array(z.object({
    id: z.string(), kind: z.string(), email: z.string(), name: z.optional(z.string()), scopes: z.array(z.string()),
    realm: z.string(), store: z.optional(z.enum(['keyring', 'file'])), clientId: z.optional(z.string()), keyFile: z.optional(z.string()),
    createdAt: z.string(), expired: z.optional(z.object({at: z.string(), reason: z.string()})),
  })),
})

const production = realmOf(googleHosts(() => undefined))

export function realmOf(hosts: GoogleHosts): string {
  return new URL(hosts.token).origin
}

/** Names an account's secrets and cached token: the same person at an emulator is someone else. */
export function keyOf({id, realm}: Pick<AccountRecord, 'id' | 'realm'>): string {
  return realm === production ? id : `${id} at ${realm}`
}

/** `accounts.json`: who is signed in. The first one of a realm is its active one. */
export class AccountBook {
  readonly #file: JsonFile<{accounts: AccountRecord[]}>

  constructor(configDir: string, onWarning?: (message: string) => void) {
    this.#file = new JsonFile({
      path: join(configDir, 'accounts.json'),
      version: 1,
      initial: () => ({accounts: []}),
      // what JSON leaves out is absent, never undefined
      parse: value => z.safeParse(shape, value).data as {accounts: AccountRecord[]} | undefined,
      onWarning,
    })
  }

  get path(): string {
    return this.#file.path
  }

  async all(): Promise<AccountRecord[]> {
    return (await this.#file.read()).accounts
  }

  /** The record as it is now; undefined: signed out meanwhile. */
  async get(key: string): Promise<AccountRecord | undefined> {
    return (await this.all()).find(one => keyOf(one) === key)
  }

  /** Adds or replaces it, and makes it the active one. */
  async put(record: AccountRecord): Promise<void> {
    await this.#file.update(({accounts}) => ({accounts: [record, ...accounts.filter(one => keyOf(one) !== keyOf(record))]}))
  }

  /** Changes it where it stands; does nothing when it is gone. */
  async change(key: string, fields: Partial<AccountRecord>): Promise<void> {
    await this.#file.update(({accounts}) => ({accounts: accounts.map(one => (keyOf(one) === key ? {...one, ...fields} : one))}))
  }

  async remove(key: string): Promise<void> {
    await this.#file.update(({accounts}) => ({accounts: accounts.filter(one => keyOf(one) !== key)}))
  }
}
