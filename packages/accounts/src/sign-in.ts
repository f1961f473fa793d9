import {resolve} from 'node:path'
import type {Account} from '@cgpu/core/account'
import {errors} from '@cgpu/core/errors'
import {googleHosts, type GoogleHosts} from '@cgpu/core/google/hosts'
import {baseScopes, covers, scopes as known} from '@cgpu/core/google/scopes'
import {sanitizeLine} from '@cgpu/core/text/line'
import {adcFile} from './adc.ts'
import {type OAuthClient, readClientConfig} from './client-config.ts'
import {type SignInPage, signInWithCode} from './code-flow.ts'
import {type Grant, GrantRefused} from './grant.ts'
import type {Clock} from './life.ts'
import {type AccountBook, type AccountRecord, keyOf, realmOf} from './record.ts'
import type {AccountSecrets} from './secrets.ts'
import {readServiceKey} from './service-account.ts'
import {clientRefused, type Mint, type Tokens} from './tokens.ts'
import {type Send} from './wire.ts'
import {explainToken, whoHas} from './who.ts'

export interface SignInParts {
  hosts: GoogleHosts
  book: AccountBook
  secrets: AccountSecrets
  tokens: Tokens
  clock: Clock
  mint: Mint
  send: Send
  /** for codes, which can be used once */
  sendOnce: Send
  env: NodeJS.ProcessEnv
  onWarning?: ((message: string) => void) | undefined
}

export interface BrowserSignIn {
  /** file with the OAuth client; default: the one that the account signed in with before */
  clientConfig?: string | undefined
  /** whose sign-in is expected */
  account?: string | undefined
  /** asked for besides the base ones, as full URLs */
  scopes?: readonly string[]
  onPage: (page: SignInPage) => void
  signal?: AbortSignal | undefined
}

type Fields = Pick<AccountRecord, 'id' | 'email' | 'kind' | 'scopes'> & Partial<AccountRecord>

const signInLimitMs = 5 * 60_000
/** Who asks for a sign-in at an emulator, which takes any client. */
const emulatorClient: OAuthClient = {id: 'cgpu'}

/** The ways in. Each ends with an account that is kept and active, or with nothing changed. */
export class SignIn {
  readonly #parts: SignInParts

  constructor(parts: SignInParts) {
    this.#parts = parts
  }

  /** Throws CLIENT_CONFIG_REQUIRED (64), SCOPES_NOT_GRANTED (67), or what the flow throws. */
  async withBrowser(options: BrowserSignIn): Promise<Account> {
    const {hosts, send, sendOnce, secrets, onWarning} = this.#parts
    const before = await this.#before(options.account)
    const client = await this.#client(options, before)
    const incremental = (options.scopes ?? []).length > 0
    const loginHint = options.account ?? (incremental ? before?.email : undefined)
    const wanted = [...new Set([...baseScopes, ...(options.scopes ?? [])])]
    // who signs in again is asked for what they allowed before, and may say no to that
    const again = loginHint !== undefined && before?.email.toLowerCase() === loginHint.toLowerCase() ? before.scopes : []
    const asked = [...wanted, ...again.filter(one => !covers(wanted, one))]
    const {onPage, signal} = options
    const grant = await signInWithCode({client, scopes: asked, incremental, hosts, send: sendOnce, onPage, signal, timeoutMs: signInLimitMs, ...(loginHint === undefined ? {} : {loginHint})})
    const granted = grant.scopes ?? asked
    const missing = wanted.filter(one => !covers(granted, one))
    if (missing.length > 0) {
      // Google ends all that was ever allowed to this client, so also a sign-in of before
      const others = (await this.#parts.book.all()).some(one => one.realm === realmOf(hosts) && one.clientId === client.id)
      if (!others) await this.#revoke(grant)
      throw notGranted(missing)
    }
    if (grant.refreshToken === undefined) {
      throw errors.auth('Google gave no refresh token, so the sign-in would end within the hour', {
        code: 'SIGN_IN_REFUSED', fix: 'remove this client at https://myaccount.google.com/connections, then: cgpu auth login',
      })
    }
    const person = await whoHas(grant.accessToken, send, hosts, signal)
    if (loginHint !== undefined && person.email.toLowerCase() !== loginHint.toLowerCase()) onWarning?.(`${person.email} signed in, not ${sanitizeLine(loginHint, 100)}`)
    const id = `google:${person.email}`
    const key = keyOf({id, realm: realmOf(hosts)})
    const {refreshToken} = grant
    return this.#keep({...person, id, kind: 'oauth', scopes: granted, clientId: client.id}, grant, () =>
      secrets.set(key, {refreshToken, ...(client.secret === undefined ? {} : {clientSecret: client.secret})}))
  }

  /** With a service account's key file, which stays where it is. */
  async withServiceAccount(path: string, scopes: readonly string[] = [], signal?: AbortSignal): Promise<Account> {
    const keyFile = resolve(path)
    const {email} = await readServiceKey(keyFile)
    const wanted = [...new Set([known.email, known.colab, ...scopes])]
    const record = this.#record({id: `google:${email}`, email, kind: 'service-account', scopes: wanted, keyFile})
    const grant = await this.#mint(record, signal)
    return this.#keep(record, grant)
  }

  /** With Application Default Credentials, looked for where Google's own tools do. */
  async withAdc(scopes: readonly string[] = [], signal?: AbortSignal): Promise<Account> {
    const {hosts, send, env} = this.#parts
    const file = adcFile(env)
    const wanted = [...new Set([known.openid, known.email, known.colab, ...scopes])]
    const guess = this.#record({id: '', email: 'Application Default Credentials', kind: 'adc', scopes: wanted, keyFile: file === undefined ? undefined : resolve(file)})
    const grant = await this.#mint(guess, signal)
    const info = await explainToken(grant.accessToken, send, hosts, signal)
    const missing = wanted.filter(one => one !== known.openid && !covers(info.scopes, one))
    if (missing.length > 0) {
      const all = [...new Set([...wanted, known.cloudPlatform])].join(',')
      throw errors.auth(`the Application Default Credentials do not allow what cgpu needs: ${missing.map(short).join(', ')}`, {
        code: 'SCOPES_NOT_GRANTED', fix: `gcloud auth application-default login --scopes=${all}`,
      })
    }
    const email = info.email ?? (await whoHas(grant.accessToken, send, hosts, signal)).email
    return this.#keep({...guess, id: `google:${email}`, email, scopes: info.scopes}, grant)
  }

  async #mint(record: AccountRecord, signal: AbortSignal | undefined): Promise<Grant> {
    try {
      return await this.#parts.mint(record, {}, signal)
    } catch (error) {
      throw error instanceof GrantRefused ? clientRefused(error, record.kind) : error
    }
  }

  #record(fields: Fields): AccountRecord {
    return {...fields, realm: realmOf(this.#parts.hosts), createdAt: new Date(this.#parts.clock.now()).toISOString()}
  }

  /** The secret first, then the record that refers to it, then the token, which can be got again. */
  async #keep(fields: Fields, grant: Grant, storeSecret?: () => Promise<'keyring' | 'file'>): Promise<Account> {
    const {book, tokens} = this.#parts
    const record = this.#record(fields)
    const key = keyOf(record)
    await tokens.alone(key, async () => {
      const store = await storeSecret?.()
      await book.put({...record, ...(store === undefined ? {} : {store})})
      await tokens.keep(key, grant)
    })
    const {id, kind, email, name, scopes} = record
    return {id, kind, email, scopes, ...(name === undefined ? {} : {name})}
  }

  async #before(account: string | undefined): Promise<AccountRecord | undefined> {
    const records = (await this.#parts.book.all()).filter(one => one.realm === realmOf(this.#parts.hosts) && one.clientId !== undefined)
    const wanted = account?.toLowerCase()
    return records.find(one => one.email.toLowerCase() === wanted || one.id.toLowerCase() === wanted) ?? records[0]
  }

  async #client({clientConfig}: BrowserSignIn, before: AccountRecord | undefined): Promise<OAuthClient> {
    if (clientConfig !== undefined) return readClientConfig(clientConfig)
    if (before?.clientId !== undefined) {
      const secret = before.store === undefined ? undefined : await this.#parts.secrets.get(keyOf(before), before.store).catch(() => undefined)
      return {id: before.clientId, ...(secret?.clientSecret === undefined ? {} : {secret: secret.clientSecret})}
    }
    if (this.#parts.hosts.authorize !== googleHosts(() => undefined).authorize) return emulatorClient
    throw errors.usage('cgpu has no OAuth client of its own, and you named none', {
      code: 'CLIENT_CONFIG_REQUIRED', category: 'auth', fix: 'make one, once (docs/colab.md says how), then: cgpu auth login --client-config FILE',
    })
  }

  async #revoke({accessToken}: Grant): Promise<void> {
    const {send, hosts} = this.#parts
    await send({method: 'POST', url: hosts.revoke, form: {token: accessToken}}).catch(() => undefined)
  }
}

const short = (scope: string): string => scope.replace(/^.*\/auth\//, '')

function notGranted(missing: readonly string[]): Error {
  const colab = missing.includes(known.colab)
  return errors.auth(`on Google's page not everything was allowed that cgpu needs: ${missing.map(short).join(', ')}`, {
    code: 'SCOPES_NOT_GRANTED', fix: `cgpu auth login, and tick ${colab ? 'the box for Colab' : 'every box'} on that page`, details: {missing: [...missing]},
  })
}
