import {createHash, createPrivateKey, createPublicKey, type KeyObject, sign, verify} from 'node:crypto'
import {type CgpuError, errors} from '@cgpu/core/errors'
import {isObject, parseJson} from '@cgpu/core/state/json'
import {sanitizeLine} from '@cgpu/core/text/line'
import semver from 'semver'
import {z} from 'zod'
import {isPackageName} from './name.ts'

const text = z.string().max(500)
const moment = text.refine((value) => !Number.isNaN(Date.parse(value)), 'is no time')
const name = text.refine(isPackageName, 'is no name of a package')

/** What somebody who looked at plugins says of them. */
export const indexDocument = z.looseObject({
  /** ISO times; after `expiresAt` its recommendations do not count any more, its warnings do */
  generatedAt: moment, expiresAt: moment,
  plugins: z.array(z.looseObject({name, summary: text.optional()})).max(10_000),
  /** what must not be installed; `versions`: a range */
  revoked: z.array(z.looseObject({name, versions: text.refine((range) => semver.validRange(range) !== null, 'is no range').default('*'), reason: text})).max(10_000).default([]),
})
export type IndexDocument = z.infer<typeof indexDocument>

/** The document, who signed it, and what time has made of it. */
export interface MarketIndex extends IndexDocument {
  /** its recommendations do not count any more */
  expired: boolean
  /** `ed25519:…`: the key that signed it */
  key: string
}

/** What stands before the 32 bytes of an Ed25519 public key in DER. */
const spkiHead = Buffer.from('302a300506032b6570032100', 'hex')

/** `ed25519:` and the base64 of the 32 bytes, as the keys of updates are written. */
export function indexKeyText(key: KeyObject): string {
  const der = (key.type === 'private' ? createPublicKey(key) : key).export({type: 'spki', format: 'der'})
  return `ed25519:${der.subarray(spkiHead.length).toString('base64')}`
}

/** Reads a public key: that text, or DER as base64. Throws PLUGIN_INDEX_KEY (64). */
function publicKey(given: string): KeyObject {
  const [, raw] = /^ed25519:([A-Za-z0-9+/]{43}=)$/.exec(given) ?? []
  try {
    const key = createPublicKey({key: raw === undefined ? Buffer.from(given, 'base64') : Buffer.concat([spkiHead, Buffer.from(raw, 'base64')]), format: 'der', type: 'spki'})
    if (key.asymmetricKeyType === 'ed25519') return key
  } catch {
    // said below
  }
  throw errors.usage('the public key of the index of plugins is none', {code: 'PLUGIN_INDEX_KEY', category: 'plugin', fix: 'give "ed25519:" and 44 characters of base64 as CGPU_PLUGIN_INDEX_KEY or cgpu config set plugin-index-key'})
}

export const indexProblem = (why: string, cause?: unknown): CgpuError =>
  errors.data(`the index of plugins cannot be used: ${why}`, {code: 'PLUGIN_INDEX', category: 'plugin', fix: 'check CGPU_PLUGIN_INDEX and CGPU_PLUGIN_INDEX_KEY, or ask whoever keeps it', cause})

/**
 * The index in `{"index": "<JSON as text>", "signature": "<base64>"}`, once one of the keys has signed that text: nothing of it is
 * looked at before. Throws PLUGIN_INDEX (65), PLUGIN_INDEX_KEY (64).
 */
export function openIndex(body: string, keys: readonly string[], now: Date): MarketIndex {
  const all = keys.map(publicKey)
  const value = parsed(body, 'it is not JSON')
  const {index: signed, signature} = isObject(value) ? value : {}
  if (typeof signed !== 'string' || typeof signature !== 'string') throw indexProblem('it is not signed')
  const key = all.find((one) => verify(null, Buffer.from(signed), one, Buffer.from(signature, 'base64')))
  if (!key) throw indexProblem('its signature is wrong: it was changed, or somebody else signed it')
  const checked = indexDocument.safeParse(parsed(signed, 'what is signed is not JSON'))
  if (!checked.success) {
    const [issue] = checked.error.issues
    throw indexProblem(sanitizeLine(`${issue?.path.join('.') ?? ''} ${issue?.message ?? ''}`.trim(), 200))
  }
  return {...checked.data, expired: !(Date.parse(checked.data.expiresAt) > now.getTime()), key: indexKeyText(key)}
}

/** The text of a signed index. What is signed are the very bytes that stand in it. `pem`: the private key, PKCS#8. */
export function signIndex(document: IndexDocument, pem: string): string {
  const key = createPrivateKey(pem)
  if (key.asymmetricKeyType !== 'ed25519') throw errors.usage('the key is not one for Ed25519', {code: 'PLUGIN_INDEX_KEY', category: 'plugin', fix: 'make one: node scripts/pack-keys.mjs FILE'})
  const signed = JSON.stringify(document)
  return `${JSON.stringify({index: signed, signature: sign(null, Buffer.from(signed), key).toString('base64')})}\n`
}

/** Names an index in the cache: other addresses and keys are others. */
export const indexId = (from: string, keys: readonly string[]): string => createHash('sha256').update([from, ...keys].join('\n')).digest('hex').slice(0, 32)

/** Why a version must not be installed. */
export function revocationOf({revoked}: MarketIndex, plugin: string, version: string): string | undefined {
  const found = revoked.find((one) => one.name === plugin && semver.satisfies(version, one.versions, {includePrerelease: true}))
  return found && sanitizeLine(found.reason, 300)
}

function parsed(body: string, otherwise: string): unknown {
  try {
    return parseJson(body)
  } catch (error) {
    throw indexProblem(otherwise, error)
  }
}
