import {readFile} from 'node:fs/promises'
import {createRequire} from 'node:module'
import {join} from 'node:path'
import type {TrustedRoot} from '@sigstore/protobuf-specs'
import {errors} from '@cgpu/core/errors'
import {isObject, parseJson} from '@cgpu/core/state/json'
import {sanitizeLine} from '@cgpu/core/text/line'

/** The keys and certificates that sigstore's services sign with. */
export interface KnownRoot {
  root: TrustedRoot
  /** false: as it was when it was last fetched, or when this cgpu was made. Keys that came later are not known */
  fresh: boolean
}

export interface TrustedRootOptions {
  cacheDir: string
  offline: boolean
  /** a trusted_root.json that an organisation gives instead */
  file?: string | undefined
  /** fetches it by TUF, into a folder; in tests something else */
  fetchRoot?: (cachePath: string) => Promise<TrustedRoot>
}

const mirror = 'https://tuf-repo-cdn.sigstore.dev'
const target = 'trusted_root.json'
/** all of TUF's requests together */
const patienceMs = 10_000

/** Fetches what sigstore's signatures are checked with; without a network what was known before. Throws PLUGIN_TRUSTED_ROOT (65) for a file that is none. */
export async function trustedRoot({cacheDir, offline, file, fetchRoot = byTuf}: TrustedRootOptions): Promise<KnownRoot | undefined> {
  if (file !== undefined) return {root: await ofFile(file), fresh: true}
  const cachePath = join(cacheDir, 'plugins', 'sigstore')
  const fetched = offline ? undefined : await within(patienceMs, fetchRoot(cachePath)).catch(() => undefined)
  if (fetched) return {root: fetched, fresh: true}
  // what TUF checked the last time stands in its cache; else what came with the library
  const kept = (await rootIn(() => readFile(join(cachePath, new URL(mirror).host, 'targets', target), 'utf8'))) ?? (await rootIn(bundled))
  return kept && {root: kept, fresh: false}
}

async function ofFile(path: string): Promise<TrustedRoot> {
  const found = await rootIn(() => readFile(path, 'utf8'))
  if (found) return found
  throw errors.data(`${sanitizeLine(path, 300)} holds no trusted root of sigstore`, {code: 'PLUGIN_TRUSTED_ROOT', category: 'plugin', fix: 'correct trustedRoot in the policy of plugins, or ask whoever keeps it'})
}

async function rootIn(read: () => Promise<string>): Promise<TrustedRoot | undefined> {
  try {
    const value = parseJson(await read())
    const {TrustedRoot: Root} = await import('@sigstore/protobuf-specs')
    // an empty one trusts nobody, so that all would look forged
    return isObject(value) && Array.isArray(value['certificateAuthorities']) && value['certificateAuthorities'].length > 0 ? Root.fromJSON(value) : undefined
  } catch {
    return undefined
  }
}

async function bundled(): Promise<string> {
  const seeds: unknown = createRequire(import.meta.url)('@sigstore/tuf/seeds.json')
  const repository = isObject(seeds) ? seeds[mirror] : undefined
  const targets = isObject(repository) ? repository['targets'] : undefined
  return Buffer.from(String(isObject(targets) ? targets[target] : ''), 'base64').toString('utf8')
}

async function byTuf(cachePath: string): Promise<TrustedRoot> {
  const {getTrustedRoot} = await import('@sigstore/tuf')
  return getTrustedRoot({cachePath, mirrorURL: mirror, retry: 0, timeout: 5_000})
}

async function within<T>(ms: number, work: Promise<T>): Promise<T> {
  const {promise, reject} = Promise.withResolvers<never>()
  const timer = setTimeout(() => reject(new Error('it takes too long')), ms)
  try {
    return await Promise.race([work, promise])
  } finally {
    clearTimeout(timer)
  }
}
