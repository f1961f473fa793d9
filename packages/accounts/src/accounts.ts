import type {Account, AccountAccess, TokenRequest} from '@cgpu/core/account'
import {errors} from '@cgpu/core/errors'
import {googleHosts, type GoogleHosts} from '@cgpu/core/google/hosts'
import {covers} from '@cgpu/core/google/scopes'
import type {Settings} from '@cgpu/core/config/resolve'
import type {Dirs} from '@cgpu/core/state/dirs'
import {closest} from '@cgpu/core/text/closest'
import {sanitizeLine} from '@cgpu/core/text/line'
import {EnvironmentToken} from './environment-token.ts'
import {type Clock, secondsLeft, systemClock} from './life.ts'
import {minter} from './mint.ts'
import {type Patience, patiently} from './patience.ts'
import {AccountBook, type AccountRecord, keyOf, realmOf} from './record.ts'
import {AccountSecrets} from './secrets.ts'
import {SignIn} from './sign-in.ts'
import {signOut, type SignedOut} from './sign-out.ts'
import {TokenCache} from './token-cache.ts'
import {signInExpired, Tokens} from './tokens.ts'
import {type Send, sender, traced} from './wire.ts'

export interface AccountsOptions {
  dirs: Pick<Dirs, 'config' | 'state'>
  env: NodeJS.ProcessEnv
  settings: Pick<Settings, 'text' | 'get'>
  onWarning?: (message: string) => void
  /** how requests are sent and time is told; tests have their own */
  send?: Send
  patience?: Patience
  /** a line for each request, for --verbose; no secrets */
  trace?: (line: string) => void
  clock?: Clock
}

/** An account as `cgpu auth status` shows it. */
export interface AccountStatus extends Account {
  active: boolean
  /** `expired`: it must sign in again */
  state: 'signed-in' | 'expired'
  reason?: string
  /** where its secret is: `keyring`, `file` with its path, or the variable or file that it comes from */
  store: string
  clientId?: string
  createdAt?: string
  /** of the access token at hand, by this machine's clock; absent where there is none */
  tokenExpiresAt?: string
}

/** The accounts that are signed in at the hosts that the settings name. */
export class Accounts implements AccountAccess {
  readonly hosts: GoogleHosts
  readonly signIn: SignIn
  readonly #book: AccountBook
  readonly #secrets: AccountSecrets
  readonly #cache: TokenCache
  readonly #tokens: Tokens
  readonly #clock: Clock
  readonly #send: Send
  readonly #options: AccountsOptions
  readonly #environment: EnvironmentToken | undefined

  constructor(options: AccountsOptions) {
    const {dirs, env, settings, onWarning, send: plainSend = sender(), patience, clock = systemClock, trace} = options
    const sendOnce = trace ? traced(plainSend, trace) : plainSend
    const send = patiently(sendOnce, patience)
    this.#options = options
    this.#clock = clock
    this.#send = send
    this.hosts = googleHosts(key => settings.text(key))
    this.#book = new AccountBook(dirs.config, onWarning)
    this.#secrets = new AccountSecrets({configDir: dirs.config, useKeyring: settings.text('keyring') !== 'off', onWarning})
    this.#cache = new TokenCache(dirs.state)
    const mint = minter({send, hosts: this.hosts, clock, env})
    const shared = {hosts: this.hosts, book: this.#book, secrets: this.#secrets, clock, mint}
    this.#tokens = new Tokens({book: this.#book, secrets: this.#secrets, cache: this.#cache, clock, mint})
    this.signIn = new SignIn({...shared, tokens: this.#tokens, send, sendOnce, env, onWarning})
    const token = env['CGPU_TOKEN']
    this.#environment = token ? new EnvironmentToken(token, {send, hosts: this.hosts, stateDir: dirs.state}) : undefined
  }

  async current(): Promise<Account> {
    const chosen = await this.#choose()
    return chosen === 'environment' ? this.#environment!.account() : publicPart(chosen) // chosen only where there is one
  }

  async list(): Promise<Account[]> {
    const environment = this.#environment ? [await this.#environment.account()] : []
    return [...environment, ...(await this.stored())]
  }

  /** Those that signed in here; asks no one. */
  async stored(): Promise<Account[]> {
    return (await this.#records()).map(publicPart)
  }

  async token(request: TokenRequest = {}): Promise<string> {
    const {account, scopes = [], refused, signal} = request
    const chosen = await this.#choose(account)
    if (chosen === 'environment') return this.#environment!.token(refused)
    const missing = scopes.filter(one => !covers(chosen.scopes, one))
    if (missing.length > 0) throw scopeMissing(chosen, missing)
    if (chosen.expired) throw signInExpired(chosen)
    return this.#tokens.token(chosen, {refused, signal})
  }

  /** Every account, as it stands here: asks no one, but who the owner of CGPU_TOKEN is. */
  async status(): Promise<AccountStatus[]> {
    const chosen = await this.#choose().catch(() => undefined)
    const found: AccountStatus[] = []
    if (this.#environment) found.push({...(await this.#environment.account()), active: chosen === 'environment', state: 'signed-in', store: 'CGPU_TOKEN'})
    for (const record of await this.#records()) {
      const token = record.expired ? undefined : await this.#cache.get(keyOf(record))
      const left = token === undefined ? 0 : secondsLeft(token, this.#clock)
      const {clientId, createdAt, expired} = record
      found.push({
        ...publicPart(record), active: chosen !== undefined && chosen !== 'environment' && keyOf(chosen) === keyOf(record), createdAt,
        state: expired ? 'expired' : 'signed-in', store: this.#storeOf(record),
        ...(expired ? {reason: expired.reason} : {}), ...(clientId === undefined ? {} : {clientId}),
        ...(left > 0 ? {tokenExpiresAt: new Date(this.#clock.now() + left * 1000).toISOString()} : {}),
      })
    }
    return found
  }

  /** The account that counts, as `status` shows it. Throws SIGN_IN_REQUIRED, UNKNOWN_ACCOUNT or SIGN_IN_EXPIRED (67). */
  async inspect(): Promise<AccountStatus> {
    const chosen = await this.#choose()
    if (chosen !== 'environment' && chosen.expired) throw signInExpired(chosen)
    const found = (await this.status()).find(one => one.active)
    if (!found) throw nobody()
    return found
  }

  /** Makes it the one that counts, for every command from now on. */
  async use(name: string): Promise<Account> {
    const record = await this.#named(name)
    await this.#book.put(record)
    return publicPart(record)
  }

  /** Signs out: revokes, and deletes what is kept. Without a name: the active account. */
  async signOut(which: {name?: string | undefined; all?: boolean | undefined; signal?: AbortSignal | undefined}): Promise<SignedOut[]> {
    // `all` is all: also those of an emulator that is gone
    const records = which.all ? await this.#book.all() : [which.name === undefined ? await this.#storedCurrent() : await this.#named(which.name)]
    const {onWarning} = this.#options
    const parts = {book: this.#book, secrets: this.#secrets, tokens: this.#tokens, cache: this.#cache, send: this.#send, hosts: this.hosts, onWarning}
    return signOut(records, parts, which.signal)
  }

  async #records(): Promise<AccountRecord[]> {
    return (await this.#book.all()).filter(one => one.realm === realmOf(this.hosts))
  }

  async #storedCurrent(): Promise<AccountRecord> {
    const wanted = this.#options.settings.text('account')
    if (wanted !== undefined) return this.#named(wanted)
    const [first] = await this.#records()
    if (first) return first
    throw nobody()
  }

  /** A name in the request or on the command line is stronger than CGPU_TOKEN, which is stronger than what was configured. */
  async #choose(name?: string): Promise<AccountRecord | 'environment'> {
    const setting = this.#options.settings.get('account')
    const explicit = name ?? (setting?.source === 'flag' || setting?.source === 'environment' ? this.#options.settings.text('account') : undefined)
    if (this.#environment) {
      if (explicit === undefined) return 'environment'
      const own = (await this.#records()).some(one => matches(one, explicit))
      if (!own && matches(await this.#environment.account(), explicit)) return 'environment'
    }
    return explicit === undefined ? this.#storedCurrent() : this.#named(explicit)
  }

  async #named(name: string): Promise<AccountRecord> {
    const records = await this.#records()
    const found = records.find(one => matches(one, name))
    if (found) return found
    const near = closest(name, records.map(one => one.email))
    throw errors.auth(`${sanitizeLine(name, 100)} is not signed in`, {
      code: 'UNKNOWN_ACCOUNT', fix: near === undefined ? `cgpu auth login --account ${sanitizeLine(name, 100)}` : `did you mean "${near}"?`,
    })
  }

  #storeOf({store, keyFile}: AccountRecord): string {
    return store === 'file' ? this.#secrets.path : (store ?? keyFile ?? 'metadata server')
  }
}

const matches = ({id, email}: Pick<Account, 'id' | 'email'>, name: string): boolean => [id, email].some(one => one.toLowerCase() === name.trim().toLowerCase())

function publicPart({id, kind, email, name, scopes}: AccountRecord): Account {
  return {id, kind, email, scopes, ...(name === undefined ? {} : {name})}
}

function nobody(): Error {
  return errors.auth('nobody is signed in', {code: 'SIGN_IN_REQUIRED', fix: 'cgpu auth login'})
}

function scopeMissing(record: AccountRecord, missing: readonly string[]): Error {
  const spoken = missing.map(one => one.replace(/^.*\/auth\//, ''))
  const fix = record.kind === 'adc'
    ? `gcloud auth application-default login --scopes=${[...new Set([...record.scopes, ...missing])].join(',')}, then: cgpu auth login --adc`
    : `cgpu auth login --account ${record.email} --scopes ${spoken.join(',')}`
  return errors.auth(`${record.email} did not allow this: ${spoken.join(', ')}`, {code: 'SCOPE_MISSING', fix, details: {account: record.id, scopes: [...missing]}})
}
