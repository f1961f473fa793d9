import {createHash, generateKeyPair, type JsonWebKey, type KeyObject, sign} from 'node:crypto'
import {promisify} from 'node:util'
import {scopes as known} from '@cgpu/core/google/scopes'
import type {Grant} from '../world/grants.ts'
import type {World} from '../world/world.ts'

interface IdTokenRequest {
  grant: Grant
  scopes: readonly string[]
  issuer: string
  nonce: string | undefined
}

/** OpenID's tokens, signed with a key of this process. */
export class IdTokens {
  readonly #world: World
  #keys: Promise<{publicKey: KeyObject; privateKey: KeyObject}> | undefined

  constructor(world: World) {
    this.#world = world
  }

  /** Undefined: `openid` was not asked for. */
  async issue({grant, scopes, issuer, nonce}: IdTokenRequest): Promise<string | undefined> {
    if (!scopes.includes(known.openid)) return undefined
    const now = Math.floor(this.#world.clock.now() / 1000)
    const claims = {
      iss: issuer, azp: grant.clientId, aud: grant.clientId, sub: subjectOf(grant.email),
      ...(scopes.includes(known.email) && {email: grant.email, email_verified: true}),
      ...(scopes.includes(known.profile) && {name: this.#world.account(grant.email)?.settings.name ?? grant.email}),
      ...(nonce !== undefined && {nonce}),
      iat: now, exp: now + 3600,
    }
    const text = [{alg: 'RS256', typ: 'JWT', kid: 'emulator'}, claims].map((part) => Buffer.from(JSON.stringify(part)).toString('base64url')).join('.')
    const {privateKey} = await this.#keyPair()
    return `${text}.${sign('RSA-SHA256', Buffer.from(text), privateKey).toString('base64url')}`
  }

  /** What the tokens are checked with. */
  async jwks(): Promise<{keys: JsonWebKey[]}> {
    const {publicKey} = await this.#keyPair()
    return {keys: [{...publicKey.export({format: 'jwk'}), alg: 'RS256', use: 'sig', kid: 'emulator'}]}
  }

  #keyPair(): Promise<{publicKey: KeyObject; privateKey: KeyObject}> {
    return this.#keys ??= promisify(generateKeyPair)('rsa', {modulusLength: 2048})
  }
}

/** The number that stands for an account: the same for the same address. */
export function subjectOf(email: string): string {
  return `1${BigInt(`0x${createHash('sha256').update(email).digest('hex').slice(0, 20)}`).toString().padStart(20, '0').slice(0, 20)}`
}
