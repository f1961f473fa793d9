import {hmac} from '@noble/hashes/hmac.js'
import {sha256} from '@noble/hashes/sha2.js'
import {randomBytes} from '@cgpu/core/state/random'

/*
 * Who is at the other end: both sides know the token of `daemon.json` (0600), and each shows that it does by an HMAC over both
 * sides' nonces. The token itself is never sent, and before the daemon has shown who it is it learns nothing but a nonce.
 * This part never changes between versions, so that a newer cgpu can ask an older daemon to retire. The HMAC is a library's, as loading
 * node:crypto takes longer than two of these.
 */
export const newToken = (): string => randomBytes(32).toString('base64url')
export const newNonce = newToken

export interface Nonces {
  client: string
  server: string
}

/** `who` is part of it: what one side says is no use for the other. */
export function proofOf(token: string, who: 'client' | 'server', {client, server}: Nonces): string {
  return Buffer.from(hmac(sha256, Buffer.from(token), Buffer.from(`cgpu-daemon ${who} ${client} ${server}`))).toString('base64url')
}

export function isProof(given: unknown, token: string, who: 'client' | 'server', nonces: Nonces): boolean {
  if (typeof given !== 'string') return false
  const wanted = Buffer.from(proofOf(token, who, nonces))
  const got = Buffer.from(given)
  // in the same time wherever they differ
  return wanted.length === got.length && wanted.reduce((differ, byte, at) => differ | (byte ^ (got[at] ?? 0)), 0) === 0
}

export const isNonce = (value: unknown): value is string => typeof value === 'string' && /^[\w-]{43}$/.test(value)
