import {createHash, createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject, sign, verify} from 'node:crypto'
import {parseJson} from '@cgpu/core/state/json'
import {z} from 'zod'
import {refused} from './problems.ts'

/** A signed document as a DSSE envelope (Dead Simple Signing Envelope): the signature is over the very bytes, whatever they say. */
const envelopeSchema = z.object({
  payloadType: z.string().max(100), payload: z.base64(),
  signatures: z.array(z.object({keyid: z.string().max(100), sig: z.base64()})).max(20),
})
export type Envelope = z.infer<typeof envelopeSchema>

const textPattern = /^ed25519:([A-Za-z0-9+/]{43}=)$/
/** What stands before the 32 bytes of an Ed25519 public key in DER. */
const spkiHead = Buffer.from('302a300506032b6570032100', 'hex')

/** `ed25519:` and the base64 of the 32 bytes: how settings and builds name a public key. */
export function publicKeyText(key: KeyObject): string {
  const der = (key.type === 'private' ? createPublicKey(key) : key).export({type: 'spki', format: 'der'})
  return `ed25519:${der.subarray(spkiHead.length).toString('base64')}`
}

/** Throws UPDATE_KEY_INVALID (64). */
function publicKey(text: string): KeyObject {
  const [, raw] = textPattern.exec(text) ?? []
  if (raw === undefined) throw refused.keyInvalid()
  return createPublicKey({key: Buffer.concat([spkiHead, Buffer.from(raw, 'base64')]), format: 'der', type: 'spki'})
}

/** Names a key in an envelope; says nothing about whether it is trusted. */
export const keyId = (text: string): string => createHash('sha256').update(text).digest('hex').slice(0, 16)

/** What DSSE signs: type and payload with their lengths. */
function signedBytes(payloadType: string, payload: Uint8Array): Buffer {
  return Buffer.concat([Buffer.from(`DSSEv1 ${Buffer.byteLength(payloadType)} ${payloadType} ${payload.length} `), payload])
}

/** A new pair: the private key as PKCS#8 PEM, the public one as text. */
export function generateKeys(): {privateKey: string; publicKey: string} {
  const {privateKey, publicKey: other} = generateKeyPairSync('ed25519')
  return {privateKey: privateKey.export({type: 'pkcs8', format: 'pem'}).toString(), publicKey: publicKeyText(other)}
}

/** `document` as JSON, signed by each of the private keys (PEM). */
export function signEnvelope(payloadType: string, document: unknown, pems: readonly string[]): Envelope {
  const payload = Buffer.from(JSON.stringify(document))
  const signatures = pems.map(pem => {
    const key = createPrivateKey(pem)
    return {keyid: keyId(publicKeyText(key)), sig: sign(null, signedBytes(payloadType, payload), key).toString('base64')}
  })
  return {payloadType, payload: payload.toString('base64'), signatures}
}

export interface OpenOptions<T> {
  payloadType: string
  schema: z.ZodType<T>
  /** public keys; a signature by one of them is enough */
  keys: readonly string[]
  /** names the document in messages */
  address: string
}

/**
 * The document in an envelope, once a trusted key has signed it; nothing of it is looked at before. Throws (exit 65)
 * UPDATE_MANIFEST_INVALID, UPDATE_UNSIGNED, UPDATE_WRONG_KEY or UPDATE_SIGNATURE_INVALID.
 */
export function openEnvelope<T>(text: string, {payloadType, schema, keys, address}: OpenOptions<T>): T {
  const envelope = parsed(text, envelopeSchema, address)
  if (envelope.signatures.length === 0) throw refused.unsigned(address)
  const trusted = new Map(keys.map(key => [keyId(key), publicKey(key)]))
  const known = envelope.signatures.filter(({keyid}) => trusted.has(keyid))
  if (known.length === 0) throw refused.wrongKey(address, envelope.signatures.map(({keyid}) => keyid), [...trusted.keys()])
  const payload = Buffer.from(envelope.payload, 'base64')
  const bytes = signedBytes(envelope.payloadType, payload)
  if (!known.some(({keyid, sig}) => verify(null, bytes, trusted.get(keyid)!, Buffer.from(sig, 'base64')))) throw refused.badSignature(address)
  if (envelope.payloadType !== payloadType) throw refused.invalid(address, `it is of the type ${envelope.payloadType}`)
  return parsed(payload.toString('utf8'), schema, address)
}

function parsed<T>(text: string, schema: z.ZodType<T>, address: string): T {
  let raw: unknown
  try {
    raw = parseJson(text)
  } catch {
    throw refused.invalid(address, /^\s*[{[]/.test(text) ? 'it is not whole' : 'it is not JSON')
  }
  // an envelope of something else is no envelope without signatures
  if (schema === (envelopeSchema as unknown) && typeof raw === 'object' && raw !== null && !('signatures' in raw)) throw refused.unsigned(address)
  const checked = schema.safeParse(raw)
  if (!checked.success) throw refused.invalid(address, z.prettifyError(checked.error))
  return checked.data
}
