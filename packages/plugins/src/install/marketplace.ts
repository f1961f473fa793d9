import {createPublicKey, verify} from 'node:crypto'
import {readFile} from 'node:fs/promises'
import {join} from 'node:path'
import {CgpuError, errors} from '@cgpu/core/errors'
import {writeAtomic} from '@cgpu/core/state/atomic'
import {isObject, parseJson} from '@cgpu/core/state/json'
import {sanitizeLine} from '@cgpu/core/text/line'
import semver from 'semver'
import {z} from 'zod'
import {send, type Send} from './http.ts'

const text = z.string().max(500)
const index = z.looseObject({
  /** ISO times; after `expiresAt` its recommendations do not count any more, its warnings do */
  generatedAt: text, expiresAt: text,
  plugins: z.array(z.looseObject({name: text, summary: text.optional()})),
  /** what must not be installed; `versions`: a range */
  revoked: z.array(z.looseObject({name: text, versions: text.default('*'), reason: text})).default([]),
})
export type MarketIndex = z.infer<typeof index> & {expired: boolean}

export interface MarketplaceOptions {
  /** an https address, or a file */
  from: string
  /** Ed25519, DER as base64 */
  key: string
  cacheDir: string
  offline: boolean
  onWarning: (message: string) => void
  sender?: Send
  now?: Date
}

const wrong = (why: string, cause?: unknown) =>
  errors.data(`the index of plugins cannot be used: ${why}`, {code: 'PLUGIN_INDEX', category: 'plugin', fix: 'check CGPU_PLUGIN_INDEX and CGPU_PLUGIN_INDEX_KEY, or ask whoever keeps it', cause})

/**
 * The curated index: JSON `{"index": "<JSON as text>", "signature": "<base64>"}`. It is believed for its signature alone, wherever
 * it lies; an older one never takes the place of a newer one. Throws PLUGIN_INDEX (65).
 */
export async function readMarketIndex({from, key, cacheDir, offline, onWarning, sender = send, now = new Date()}: MarketplaceOptions): Promise<MarketIndex | undefined> {
  const path = join(cacheDir, 'plugins', 'index.json')
  const kept = await readFile(path, 'utf8').then((body) => opened(body, key, now)).catch(() => undefined)
  if (offline) return kept
  let body: string
  try {
    body = await fetched(from, sender)
  } catch (error) {
    if (!(error instanceof CgpuError) || !kept) throw error
    onWarning(`${error.message}; the index of ${kept.generatedAt} is used`)
    return kept
  }
  const fresh = opened(body, key, now)
  if (kept && fresh.generatedAt < kept.generatedAt) {
    onWarning('the index of plugins is older than the one that is known; the newer one is used')
    return kept
  }
  await writeAtomic(path, body).catch(() => undefined)
  return fresh
}

async function fetched(from: string, sender: Send): Promise<string> {
  if (!/^https?:/.test(from)) {
    return readFile(from, 'utf8').catch((error: unknown) => {
      throw wrong(`${sanitizeLine(from, 200)} cannot be read`, error)
    })
  }
  const {status, body} = await sender(from, {maxBytes: 16 * 2 ** 20, timeoutMs: 15_000})
  if (status !== 200) throw wrong(`${new URL(from).host} answers ${status}`)
  return body.toString('utf8')
}

function opened(body: string, key: string, now: Date): MarketIndex {
  let value: unknown
  try {
    value = parseJson(body)
  } catch (error) {
    throw wrong('it is not JSON', error)
  }
  const {index: signed, signature} = isObject(value) ? value : {}
  if (typeof signed !== 'string' || typeof signature !== 'string') throw wrong('it is not signed')
  if (!isSigned(signed, signature, key)) throw wrong('its signature is wrong')
  const parsed = index.safeParse(parseJson(signed))
  if (!parsed.success) throw wrong(sanitizeLine(parsed.error.issues[0]?.message ?? '', 200))
  return {...parsed.data, expired: !(Date.parse(parsed.data.expiresAt) > now.getTime())}
}

function isSigned(signed: string, signature: string, key: string): boolean {
  try {
    return verify(null, Buffer.from(signed), createPublicKey({key: Buffer.from(key, 'base64'), format: 'der', type: 'spki'}), Buffer.from(signature, 'base64'))
  } catch {
    return false // not a key
  }
}

/** Why a version must not be installed. */
export function revocationOf({revoked}: MarketIndex, name: string, version: string): string | undefined {
  const found = revoked.find((one) => one.name === name && semver.satisfies(version, one.versions, {includePrerelease: true}))
  return found && sanitizeLine(found.reason, 300)
}
