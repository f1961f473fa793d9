import {CgpuError, errors} from '@cgpu/core/errors'
import {withLock} from '@cgpu/core/state/lock'
import {type Grant, GrantRefused} from './grant.ts'
import {type Clock, isFresh, type LivingToken, secondsLeft} from './life.ts'
import {type AccountBook, type AccountRecord, keyOf} from './record.ts'
import type {AccountSecret, AccountSecrets} from './secrets.ts'
import type {TokenCache} from './token-cache.ts'

/** Gets a new access token for an account, by what it signs in with. */
export type Mint = (record: AccountRecord, secret: AccountSecret, signal: AbortSignal | undefined) => Promise<Grant>

export interface TokensOptions {
  book: AccountBook
  secrets: AccountSecrets
  cache: TokenCache
  clock: Clock
  mint: Mint
}

/** After the token endpoint failed for good, it is left alone for so long. */
const restMs = 5_000
/** A token that still lives so long is better than none while Google cannot be reached. */
const lastResortSeconds = 20

/**
 * Access tokens of stored accounts: from memory, from the cache, else new ones, which only one process gets at a time. The
 * others wait and use what it got: two refreshes at once would end a sign-in whose refresh token rotates.
 */
export class Tokens {
  readonly #options: TokensOptions
  readonly #held = new Map<string, LivingToken>()
  readonly #resting = new Map<string, {until: number; error: CgpuError}>()

  constructor(options: TokensOptions) {
    this.#options = options
  }

  async token(record: AccountRecord, {refused, signal}: {refused?: string | undefined; signal?: AbortSignal | undefined} = {}): Promise<string> {
    const {clock} = this.#options
    const key = keyOf(record)
    const usable = (token: LivingToken | undefined): token is LivingToken => token !== undefined && token.accessToken !== refused && isFresh(token, clock)
    const held = this.#held.get(key)
    if (usable(held)) return held.accessToken
    const cached = await this.#options.cache.get(key)
    if (usable(cached)) {
      this.#held.set(key, cached)
      return cached.accessToken
    }
    return this.#renew(key, refused, signal)
  }

  /** Remembers the token that came with a sign-in. */
  async keep(key: string, grant: Grant): Promise<LivingToken> {
    const {clock, cache} = this.#options
    const token = {accessToken: grant.accessToken, expiresIn: grant.expiresIn, receivedAt: clock.now(), receivedUptime: clock.uptime()}
    this.#held.set(key, token)
    // on a full disk the next command gets one of its own
    await cache.set(key, token).catch(() => undefined)
    return token
  }

  async forget(key: string): Promise<void> {
    this.#held.delete(key)
    await this.#options.cache.delete(key)
  }

  /** Runs `fn` while no other process renews this account's tokens. */
  async alone<T>(key: string, fn: () => Promise<T>, signal?: AbortSignal): Promise<T> {
    const path = `${this.#options.cache.pathOf(key)}.lock`
    return withLock(path, fn, {timeoutMs: 60_000, ...(signal ? {signal} : {})}).catch((error: unknown) => {
      signal?.throwIfAborted()
      throw error
    })
  }

  #renew(key: string, refused: string | undefined, signal: AbortSignal | undefined): Promise<string> {
    const {book, secrets, cache, clock, mint} = this.#options
    return this.alone(key, async () => {
      // another process may have got one, rotated the refresh token, or signed out while this one waited
      const cached = await cache.get(key)
      if (cached && cached.accessToken !== refused && isFresh(cached, clock)) {
        this.#held.set(key, cached)
        return cached.accessToken
      }
      const record = await book.get(key)
      if (!record) throw errors.auth('this account was signed out meanwhile', {code: 'SIGN_IN_REQUIRED', fix: 'cgpu auth login'})
      if (record.expired) throw signInExpired(record)
      try {
        this.#refuseWhileResting(key)
        const secret = record.store === undefined ? {} : await secrets.get(key, record.store)
        if (!secret) throw await this.#end(key, record, 'lost')
        const grant = await mint(record, secret, signal)
        // the old refresh token may be dead by now: keep the new one before anything else can fail
        if (grant.refreshToken !== undefined && grant.refreshToken !== secret.refreshToken) {
          const store = await secrets.set(key, {...secret, refreshToken: grant.refreshToken}, record.store)
          if (store !== record.store) await book.change(key, {store})
        }
        return (await this.keep(key, grant)).accessToken
      } catch (error) {
        if (error instanceof GrantRefused) throw await this.#refusal(key, record, error)
        if (!(error instanceof CgpuError) || error.exit !== 69) throw error
        this.#resting.set(key, {until: clock.uptime() * 1000 + restMs, error})
        if (cached && cached.accessToken !== refused && secondsLeft(cached, clock) > lastResortSeconds) return cached.accessToken
        throw error
      }
    }, signal)
  }

  #refuseWhileResting(key: string): void {
    const resting = this.#resting.get(key)
    if (resting && this.#options.clock.uptime() * 1000 < resting.until) throw resting.error
    this.#resting.delete(key)
  }

  async #refusal(key: string, record: AccountRecord, refused: GrantRefused): Promise<CgpuError> {
    if (refused.reason === 'invalid_grant') return this.#end(key, record, refused.subtype === 'invalid_rapt' ? 'invalid_rapt' : 'invalid_grant')
    return clientRefused(refused, record.kind)
  }

  /** Nobody asks again with it: the next command says at once that a new sign-in is due. A key file may be put right at any time. */
  async #end(key: string, record: AccountRecord, reason: string): Promise<CgpuError> {
    const expired = {at: new Date(this.#options.clock.now()).toISOString(), reason}
    await this.forget(key)
    if (record.store !== undefined) await this.#options.book.change(key, {expired})
    return signInExpired({...record, expired})
  }
}

const reasons: Record<string, string> = {
  invalid_grant: 'Google does not accept its sign-in any more',
  invalid_rapt: 'its organisation wants it to sign in anew from time to time (invalid_rapt)',
  lost: 'its refresh token is not where it was kept',
}

const fixes: Record<string, string> = {
  adc: 'gcloud auth application-default login',
  'service-account': 'get a new key from the Google Cloud console, then: cgpu auth login --service-account FILE',
}

/** SIGN_IN_EXPIRED (67), with the command that signs in again as it did. */
export function signInExpired(record: AccountRecord): CgpuError {
  const {email, kind, expired} = record
  return errors.auth(`${email} must sign in again: ${reasons[expired?.reason ?? ''] ?? expired?.reason ?? 'its sign-in is over'}`, {
    code: 'SIGN_IN_EXPIRED', fix: fixes[kind] ?? `cgpu auth login --account ${email}`, details: {account: record.id, reason: expired?.reason ?? null},
  })
}

export function clientRefused(refused: GrantRefused, kind: AccountRecord['kind']): CgpuError {
  const why = refused.description === undefined ? refused.reason : `${refused.reason}: ${refused.description}`
  return errors.auth(`Google refused the sign-in (${why})`, {
    code: 'SIGN_IN_REFUSED', fix: fixes[kind] ?? 'check the OAuth client: cgpu auth login --client-config FILE', details: {reason: refused.reason},
  })
}
