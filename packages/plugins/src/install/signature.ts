import {createPublicKey, verify} from 'node:crypto'
import type {VersionDocument, RegistryKey} from './registry.ts'

/**
 * What is known of who vouches for a tarball. `signed`: the registry's own signature over name, version and integrity is right.
 * `unsigned`: there is none. `unchecked`: there is one, and no key to check it with. `none`: it came from no registry.
 */
export type SignatureState = 'signed' | 'unsigned' | 'unchecked' | 'forged' | 'none'

/** Checks the registry's signatures. `publishedAt`: a key that had expired by then signs nothing. */
export function signatureState({name, version, dist}: VersionDocument, keys: readonly RegistryKey[] | undefined, publishedAt: string | undefined): SignatureState {
  const signatures = dist.signatures ?? []
  if (signatures.length === 0) return 'unsigned'
  const message = Buffer.from(`${name}@${version}:${dist.integrity ?? ''}`)
  const states = signatures.map(({keyid, sig}) => {
    const key = keys?.find((one) => one.keyid === keyid)
    if (!key) return 'unchecked'
    const expired = key.expires !== null && key.expires !== undefined && Date.parse(publishedAt ?? new Date().toISOString()) > Date.parse(key.expires)
    return !expired && isSignedBy(key, message, sig) ? 'signed' : 'forged'
  })
  return states.includes('forged') ? 'forged' : states.includes('signed') ? 'signed' : 'unchecked'
}

function isSignedBy({key}: RegistryKey, message: Buffer, signature: string): boolean {
  try {
    const publicKey = createPublicKey({key: Buffer.from(key, 'base64'), format: 'der', type: 'spki'})
    return verify('sha256', message, publicKey, Buffer.from(signature, 'base64'))
  } catch {
    return false // not a key, or not one for this algorithm
  }
}
