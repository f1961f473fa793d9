import {readFile} from 'node:fs/promises'
import {join} from 'node:path'
import {CgpuError, errors} from '@cgpu/core/errors'
import {writeAtomic} from '@cgpu/core/state/atomic'
import {isObject, parseJson} from '@cgpu/core/state/json'
import {formatRelative} from '@cgpu/core/text/format'
import {sanitizeLine} from '@cgpu/core/text/line'
import {send, type Send} from './http.ts'
import {indexId, type MarketIndex, openIndex} from './index-document.ts'

/** Where the curated index is, and whose it is. */
export interface IndexSource {
  /** an https address, or a file */
  from: string
  /** public keys, Ed25519; a signature by one of them is enough */
  keys: readonly string[]
}

export interface MarketplaceOptions extends IndexSource {
  cacheDir: string
  offline: boolean
  sender?: Send
  now?: Date
}

/** The index, as far as there is one to be believed, and what is wrong. */
export interface MarketAnswer {
  index?: MarketIndex
  /** ISO time at which it was fetched, where that was not now */
  cachedAt?: string
  /** PLUGIN_INDEX (65): what was fetched is not to be believed; PLUGIN_INDEX_UNREACHABLE (69): nothing was */
  problem?: CgpuError
  /** for people, one sentence each */
  warnings: string[]
}

interface Kept {
  index: MarketIndex
  cachedAt: string
}

/**
 * Fetches the curated index. It is believed for its signature alone, wherever it lies; an older one never takes the place of a newer
 * one, and where it cannot be had the one that was fetched before is given. Throws PLUGIN_INDEX_KEY (64).
 */
export async function readMarketIndex({from, keys, cacheDir, offline, sender = send, now = new Date()}: MarketplaceOptions): Promise<MarketAnswer> {
  const path = join(cacheDir, 'plugins', 'index', `${indexId(from, keys)}.json`)
  const kept = await keptAt(path, keys, now)
  const old = (warning?: string): MarketAnswer => ({...kept, warnings: [...(warning === undefined ? [] : [`${warning}; ${kept ? `the one that was fetched ${age(kept.cachedAt, now)} is used` : 'none is used'}`]), ...stale(kept?.index, now)]})
  if (offline) return old()
  try {
    const body = await fetched(from, sender)
    const index = openIndex(body, keys, now)
    if (kept && Date.parse(index.generatedAt) < Date.parse(kept.index.generatedAt)) return old('the index of plugins is older than one that was seen before')
    // a cache that cannot be written is no reason to fail
    await writeAtomic(path, JSON.stringify({cachedAt: now.toISOString(), body})).catch(() => undefined)
    return {index, warnings: stale(index, now)}
  } catch (error) {
    if (!(error instanceof CgpuError) || error.code === 'PLUGIN_INDEX_KEY') throw error
    return {...old(error.message), problem: error}
  }
}

async function keptAt(path: string, keys: readonly string[], now: Date): Promise<Kept | undefined> {
  try {
    const value = parseJson(await readFile(path, 'utf8'))
    const {cachedAt, body} = isObject(value) ? value : {}
    // the signature holds here too: whoever can write the cache can say nothing that was not signed
    return typeof cachedAt === 'string' && !Number.isNaN(Date.parse(cachedAt)) && typeof body === 'string' ? {cachedAt, index: openIndex(body, keys, now)} : undefined
  } catch (error) {
    if (error instanceof CgpuError && error.code === 'PLUGIN_INDEX_KEY') throw error
    return undefined // there is none, or a broken one
  }
}

const age = (at: string, now: Date): string => formatRelative(Date.parse(at), now.getTime())

function stale(index: MarketIndex | undefined, now: Date): string[] {
  return index?.expired ? [`the index of plugins ran out ${age(index.expiresAt, now)}: what it recommends does not count any more, what it warns of does`] : []
}

async function fetched(from: string, sender: Send): Promise<string> {
  if (!/^https?:/.test(from)) {
    return readFile(from, 'utf8').catch((error: unknown) => {
      throw unreachable(`${sanitizeLine(from, 200)} cannot be read`, error)
    })
  }
  if (!URL.canParse(from)) throw unreachable('its address is none')
  const {host} = new URL(from)
  // searching goes on without it: nobody waits long
  const {status, body} = await sender(from, {maxBytes: 16 * 2 ** 20, timeoutMs: 5_000, what: 'the index of plugins'}).catch((error: unknown) => {
    throw error instanceof CgpuError && error.code === 'REGISTRY_UNREACHABLE' ? failed(error.message, error) : error
  })
  if (status !== 200) throw unreachable(`${host} answers ${status}`)
  return body.toString('utf8')
}

const unreachable = (why: string, cause?: unknown): CgpuError => failed(`the index of plugins cannot be had: ${why}`, cause)

const failed = (message: string, cause: unknown): CgpuError =>
  errors.network(message, {code: 'PLUGIN_INDEX_UNREACHABLE', category: 'plugin', fix: 'check CGPU_PLUGIN_INDEX and the network', retryable: true, cause})
