import type {BearerCheck, Caller, Clock, Dice} from '../contract.ts'

/** What a person (or a service account) allowed a client. Its tokens live and die with it. */
export interface Grant {
  email: string
  clientId: string
  scopes: string[]
  revoked: boolean
}

interface AccessToken {
  token: string
  grant: Grant
  scopes: string[]
  expiresAt: number
  /** handed to the user as it is, with nothing to refresh it by: outlives expiry of tokens and resets */
  standing: boolean
}

interface RefreshToken {
  grant: Grant
  scopes: string[]
  /** another one took its place */
  rotated: boolean
}

export type RefreshResult = {token: Readonly<AccessToken>; refreshToken: string | undefined}

/** OAuth tokens: access tokens by the clock, refresh tokens until revoked, with detection of one that was used after rotation. */
export class Grants implements BearerCheck {
  readonly #clock: Clock
  readonly #dice: Dice
  readonly #settings: () => {accessTokenTtl: number; rotateRefreshTokens: boolean}
  readonly #grants = new Set<Grant>()
  readonly #access = new Map<string, AccessToken>()
  readonly #refresh = new Map<string, RefreshToken>()

  constructor(clock: Clock, dice: Dice, settings: () => {accessTokenTtl: number; rotateRefreshTokens: boolean}) {
    this.#clock = clock
    this.#dice = dice
    this.#settings = settings
  }

  /** The live grant of this client, with these scopes added; a new one when there is none. */
  grant(email: string, clientId: string, scopes: readonly string[]): Grant {
    const known = this.find(email, clientId)
    if (known !== undefined) {
      known.scopes = [...new Set([...known.scopes, ...scopes])]
      return known
    }
    const grant = {email, clientId, scopes: [...scopes], revoked: false}
    this.#grants.add(grant)
    return grant
  }

  find(email: string, clientId: string): Grant | undefined {
    return [...this.#grants].find((one) => one.email === email && one.clientId === clientId && !one.revoked)
  }

  /** An access token for these of the grant's scopes. */
  access(grant: Grant, scopes: readonly string[]): Readonly<AccessToken> {
    this.#forget()
    return this.#addAccess(`emu-access-${this.#dice.hex('access-token', 24)}`, grant, scopes, this.#clock.now() + this.#settings().accessTokenTtl * 1000, false)
  }

  refreshToken(grant: Grant, scopes: readonly string[]): string {
    const token = `emu-refresh-${this.#dice.hex('refresh-token', 24)}`
    this.#refresh.set(token, {grant, scopes: [...scopes], rotated: false})
    return token
  }

  /** Whose refresh token it is; null: nobody's, or it is not worth anything any more. */
  refreshOwner(token: string): Readonly<Grant> | null {
    const known = this.#refresh.get(token)
    return known === undefined || known.grant.revoked || known.rotated ? null : known.grant
  }

  /** Null: unknown, revoked, or of another client. Use of a rotated one revokes its grant. `narrow` asks for less than was granted. */
  refresh(token: string, clientId: string, narrow?: readonly string[]): RefreshResult | null {
    const known = this.#refresh.get(token)
    if (known === undefined || known.grant.revoked || known.grant.clientId !== clientId) return null
    if (known.rotated) {
      this.revokeGrant(known.grant)
      return null
    }
    const rotate = this.#settings().rotateRefreshTokens
    known.rotated = rotate
    const scopes = narrow === undefined ? known.scopes : known.scopes.filter((one) => narrow.includes(one))
    return {token: this.access(known.grant, scopes), refreshToken: rotate ? this.refreshToken(known.grant, known.scopes) : undefined}
  }

  /** The same token every time, good for a hundred years. */
  standing(email: string, scopes: readonly string[]): string {
    const own = [...this.#access.values()].find((one) => one.standing && one.grant.email === email && one.scopes.join(' ') === scopes.join(' '))
    if (own !== undefined && !own.grant.revoked) return own.token
    const token = `emu-standing-${this.#dice.hex(`standing-token:${email}:${scopes.join(' ')}`, 24)}`
    const grant = {email, clientId: 'emulator-standing-token', scopes: [...scopes], revoked: false}
    return this.#addAccess(token, grant, scopes, this.#clock.now() + 100 * 365 * 86_400_000, true).token
  }

  caller(authorization: string | undefined): Caller | null {
    const token = this.lookup(/^Bearer +(\S+) *$/i.exec(authorization ?? '')?.[1] ?? '')
    return token === null ? null : {email: token.grant.email, clientId: token.grant.clientId, scopes: token.scopes}
  }

  /** A live access token. */
  lookup(token: string): Readonly<AccessToken> | null {
    const known = this.#access.get(token)
    return known === undefined || known.grant.revoked || known.expiresAt <= this.#clock.now() ? null : known
  }

  /** Ends the grant that an access or refresh token belongs to; false: no such token. */
  revoke(token: string): boolean {
    const grant = this.#access.get(token)?.grant ?? this.#refresh.get(token)?.grant
    if (grant === undefined || grant.revoked) return false
    this.revokeGrant(grant)
    return true
  }

  revokeGrant(grant: Grant): void {
    grant.revoked = true
    this.#grants.delete(grant)
  }

  /** As when the person takes access away on their account page. Standing tokens stay. */
  revokeAll(email: string): void {
    for (const grant of this.#grants) if (grant.email === email) this.revokeGrant(grant)
  }

  expireAccess(standing: boolean): void {
    for (const token of this.#access.values()) if (token.standing === standing) token.expiresAt = Math.min(token.expiresAt, this.#clock.now())
  }

  /** Forgets everything but the standing tokens, which are in people's environments; expired ones are good again. */
  reset(): void {
    this.#grants.clear()
    this.#refresh.clear()
    for (const token of this.#access.values()) {
      if (!token.standing) this.#access.delete(token.token)
      else token.expiresAt = this.#clock.now() + 100 * 365 * 86_400_000
    }
  }

  #addAccess(token: string, grant: Grant, scopes: readonly string[], expiresAt: number, standing: boolean): AccessToken {
    const made = {token, grant, scopes: [...scopes], expiresAt, standing}
    this.#access.set(token, made)
    return made
  }

  #forget(): void {
    const now = this.#clock.now()
    if (this.#access.size > 1000) for (const token of this.#access.values()) if (token.expiresAt <= now) this.#access.delete(token.token)
  }
}
