/**
 * Who is at the other end: both sides know the token of `daemon.json` (0600), and each shows that it does by an HMAC over both
 * sides' nonces. The token itself is never sent, and before the daemon has shown who it is it learns nothing but a nonce.
 * This part never changes between versions, so that a newer cgpu can ask an older daemon to retire.
 */
// an import would read every export of the module, and even loading it takes as long as an answer of the daemon
const crypto = () => process.getBuiltinModule('node:crypto')

/** Loads what the proofs need, while something else is waited for. */
export const prepareProofs = (): void => void crypto().createHmac

export const newToken = (): string => crypto().randomBytes(32).toString('base64url')

export function newNonce(): string {
  const fs = process.getBuiltinModule('node:fs')
  const bytes = Buffer.alloc(32)
  try {
    const random = fs.openSync('/dev/urandom', 'r')
    try {
      if (fs.readSync(random, bytes, 0, 32, null) === 32) return bytes.toString('base64url')
    } finally {
      fs.closeSync(random)
    }
  } catch {
    // Windows has none
  }
  return newToken()
}

export interface Nonces {
  client: string
  server: string
}

/** `who` is part of it: what one side says is no use for the other. */
export function proofOf(token: string, who: 'client' | 'server', {client, server}: Nonces): string {
  return crypto().createHmac('sha256', token).update(`cgpu-daemon ${who} ${client} ${server}`).digest('base64url')
}

export function isProof(given: unknown, token: string, who: 'client' | 'server', nonces: Nonces): boolean {
  if (typeof given !== 'string') return false
  const wanted = Buffer.from(proofOf(token, who, nonces))
  const got = Buffer.from(given)
  return wanted.length === got.length && crypto().timingSafeEqual(wanted, got)
}

export const isNonce = (value: unknown): value is string => typeof value === 'string' && /^[\w-]{43}$/.test(value)
