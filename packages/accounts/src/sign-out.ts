import type {GoogleHosts} from '@cgpu/core/google/hosts'
import {type AccountBook, type AccountRecord, keyOf, realmOf} from './record.ts'
import type {AccountSecrets} from './secrets.ts'
import type {Tokens} from './tokens.ts'
import type {TokenCache} from './token-cache.ts'
import type {Send} from './wire.ts'

export interface SignOutParts {
  book: AccountBook
  secrets: AccountSecrets
  tokens: Tokens
  cache: TokenCache
  send: Send
  hosts: GoogleHosts
  onWarning?: ((message: string) => void) | undefined
}

export interface SignedOut {
  id: string
  email: string
  /** Google knows; false: only this machine forgot */
  revoked: boolean
}

/** Revokes where it can, and forgets in any case: someone who signs out must be signed out here, also offline. */
export async function signOut(records: readonly AccountRecord[], parts: SignOutParts, signal?: AbortSignal): Promise<SignedOut[]> {
  const done: SignedOut[] = []
  for (const record of records) {
    const key = keyOf(record)
    await parts.tokens.alone(key, async () => {
      const revoked = await revoke(record, parts, signal)
      await parts.secrets.delete(key, record.store)
      await parts.tokens.forget(key)
      await parts.book.remove(key)
      done.push({id: record.id, email: record.email, revoked})
    })
  }
  return done
}

/** Google's answer to a token that it no longer knows is 400: there is nothing left to revoke. */
async function revoke(record: AccountRecord, {secrets, cache, send, hosts, onWarning}: SignOutParts, signal: AbortSignal | undefined): Promise<boolean> {
  const key = keyOf(record)
  // what comes of a key or ADC file is not ours to end: with a token of gcloud's, Google ends its whole sign-in
  if (record.kind !== 'oauth') return false
  // only its own realm may see a token
  if (record.realm !== realmOf(hosts)) return false
  const secret = record.store === undefined ? undefined : await secrets.get(key, record.store).catch(() => undefined)
  const token = secret?.refreshToken ?? (await cache.get(key))?.accessToken
  if (token === undefined) return false
  try {
    const {status} = await send({method: 'POST', url: hosts.revoke, form: {token}, signal})
    if (status === 200 || status === 400) return true
    onWarning?.(`Google did not revoke the sign-in of ${record.email} (status ${status}); remove cgpu at https://myaccount.google.com/connections`)
  } catch (error) {
    signal?.throwIfAborted()
    onWarning?.(`the sign-in of ${record.email} could not be revoked (${error instanceof Error ? error.message : String(error)}); remove cgpu at https://myaccount.google.com/connections`)
  }
  return false
}
