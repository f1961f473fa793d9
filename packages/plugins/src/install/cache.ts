import {createHash} from 'node:crypto'
import {readFile} from 'node:fs/promises'
import {join} from 'node:path'
import {errors} from '@cgpu/core/errors'
import {CgpuError} from '@cgpu/core/errors'
import {writeAtomic} from '@cgpu/core/state/atomic'
import {isObject, parseJson} from '@cgpu/core/state/json'
import {checkIntegrity} from './integrity.ts'
import {shownAddress} from './shown-address.ts'
import type {Packument, Registry, RegistryKey} from './registry.ts'

/** What the registry says of one package, and the keys that it signs with. */
export interface PackageNews {
  packument: Packument
  keys: RegistryKey[] | undefined
  /** ISO time; set where it comes from the cache */
  cachedAt?: string
}

export interface CacheOptions {
  cacheDir: string
  registry: Registry
  /** asks nobody */
  offline: boolean
  onWarning: (message: string) => void
}

/** The registry, and what it said before: for when it cannot be reached. Tarballs are kept by what they are, so they are never wrong. */
export class CachedRegistry {
  readonly registry: Registry
  readonly offline: boolean
  readonly #folder: string
  readonly #onWarning: (message: string) => void

  constructor({cacheDir, registry, offline, onWarning}: CacheOptions) {
    this.registry = registry
    this.offline = offline
    this.#folder = join(cacheDir, 'plugins')
    this.#onWarning = onWarning
  }

  /** Undefined: there is no such package. Throws REGISTRY_UNREACHABLE, NOT_IN_CACHE (69). */
  async news(name: string): Promise<PackageNews | undefined> {
    if (this.offline) {
      const kept = await this.#kept(name)
      if (!kept) throw notCached(name)
      return kept
    }
    try {
      const [packument, keys] = await Promise.all([this.registry.packument(name), this.registry.keys(name)])
      if (!packument) return undefined
      const news = {packument, keys}
      await this.#keep(this.#newsPath(name), JSON.stringify({...news, cachedAt: new Date().toISOString()}))
      return news
    } catch (error) {
      const kept = error instanceof CgpuError && error.code === 'REGISTRY_UNREACHABLE' ? await this.#kept(name) : undefined
      if (!kept) throw error
      this.#onWarning(`the registry cannot be reached; what it said of ${name} at ${kept.cachedAt} is used`)
      return kept
    }
  }

  /** The bytes that are promised, from the cache or from there. Throws PLUGIN_INTEGRITY (65). */
  async tarball(url: string, promised: {integrity?: string | undefined; shasum?: string | undefined}, what: string): Promise<Buffer> {
    const path = this.#tarballPath(promised.integrity)
    const kept = path === undefined ? undefined : await readFile(path).catch(() => undefined)
    if (kept) {
      try {
        checkIntegrity(kept, promised, what)
        return kept
      } catch {
        // torn or tampered: fetched again
      }
    }
    if (this.offline) throw notCached(what)
    const bytes = await this.registry.tarball(url)
    checkIntegrity(bytes, promised, what)
    if (path !== undefined) await this.#keep(path, bytes)
    return bytes
  }

  /** What a registry says of how a tarball came to be: it is signed by others, so that what was fetched before is as good. Undefined: it cannot be had. */
  async attestations(url: string, integrity: string | undefined): Promise<unknown> {
    const path = this.#tarballPath(integrity)?.replace(/tgz$/, 'attestations.json')
    const fetched = this.offline ? undefined : await this.registry.attestations(url).catch(() => undefined)
    if (fetched !== undefined && path !== undefined) await this.#keep(path, JSON.stringify(fetched))
    return fetched ?? (path === undefined ? undefined : readFile(path, 'utf8').then(parseJson).catch(() => undefined))
  }

  /** Of an address that nobody said a checksum for. */
  async unpinned(url: string): Promise<Buffer> {
    if (this.offline) throw notCached(shownAddress(url))
    return this.registry.tarball(url)
  }

  async #kept(name: string): Promise<PackageNews | undefined> {
    try {
      const value = parseJson(await readFile(this.#newsPath(name), 'utf8'))
      // we wrote it; a broken one counts as none
      return isObject(value) && isObject(value['packument']) && value['packument']['name'] === name && typeof value['cachedAt'] === 'string' ? (value as unknown as PackageNews) : undefined
    } catch {
      return undefined
    }
  }

  async #keep(path: string, data: string | Buffer): Promise<void> {
    // a cache that cannot be written is no reason to fail
    await writeAtomic(path, data).catch(() => undefined)
  }

  /** Registries tell different things of the same name. */
  #newsPath(name: string): string {
    const from = createHash('sha256').update(`${this.registry.registryOf(name)}\n${name}`).digest('hex').slice(0, 32)
    return join(this.#folder, 'news', `${from}.json`)
  }

  #tarballPath(integrity: string | undefined): string | undefined {
    const sha512 = /sha512-([A-Za-z0-9+/=]+)/.exec(integrity ?? '')?.[1]
    return sha512 === undefined ? undefined : join(this.#folder, 'tarballs', `${Buffer.from(sha512, 'base64').toString('hex')}.tgz`)
  }
}

export const notCached = (what: string) =>
  errors.network(`${what} was not fetched before, and --offline asks nobody`, {code: 'NOT_IN_CACHE', category: 'plugin', fix: 'leave --offline out once'})
