import {readFile} from 'node:fs/promises'
import {join, resolve} from 'node:path'
import {errors} from '@cgpu/core/errors'
import {errnoOf} from '@cgpu/core/state/write-error'
import {sanitizeLine} from '@cgpu/core/text/line'
import {type CachedRegistry, notCached} from './cache.ts'
import {type CheckedPackage, checkPackage, type Host} from './check.ts'
import {installDependencies, wantedDependencies} from './dependencies.ts'
import {fetchGit} from './git.ts'
import {integrityOf} from './integrity.ts'
import type {LockedPlugin, PluginSource} from './lock-file.ts'
import {pickRelease, type Release} from './release.ts'
import {maxTarball} from './registry.ts'
import {checkProvenance, type Provenance} from './provenance.ts'
import {shownAddress} from './shown-address.ts'
import {signatureState} from './signature.ts'
import type {Spec} from './spec.ts'
import {readTarball} from './tar.ts'
import type {KnownRoot} from './trusted-root.ts'
import {filesOf, treeDigest, writeFiles} from './tree.ts'

/** A plugin that lies complete in a folder of its own, and waits for consent. */
export interface Prepared {
  stage: string
  source: PluginSource
  want: string
  integrity: string
  digest: string
  signature: LockedPlugin['signature']
  dependencies: Record<string, string>
  checked: CheckedPackage
  /** of a registry's */
  release: Release | undefined
  provenance: Provenance | undefined
  /** in the last month; undefined: the registry does not say */
  downloads: number | undefined
}

export interface PrepareOptions {
  /** empty, and becomes the plugin's */
  stage: string
  cache: CachedRegistry
  cacheDir: string
  host: Host
  cwd: string
  env: NodeJS.ProcessEnv
  /** ends npm and git */
  signal: AbortSignal
  /** what provenance is checked with */
  sigstore: () => Promise<KnownRoot | undefined>
  /** what the lock file promises; anything else is refused */
  pinned?: {version: string; integrity: string} | undefined
}

interface Fetched extends Pick<Prepared, 'source' | 'want' | 'integrity' | 'signature' | 'release' | 'provenance' | 'downloads'> {}

/** Fetches, checks and unpacks a plugin. Nothing of it is run. */
export async function prepare(spec: Spec, options: PrepareOptions): Promise<Prepared> {
  const {stage, cache, cacheDir, host, env, signal} = options
  const folder = join(stage, 'package')
  const fetched = spec.kind === 'git' ? await fromGit(spec, folder, options) : spec.kind === 'tarball' ? await fromTarball(spec.from, folder, options) : await fromRegistry(spec, folder, options)
  const read = (path: string): Promise<string | undefined> => readFile(join(folder, path), 'utf8').catch((error: unknown) => {
    if (errnoOf(error) === 'ENOENT') return undefined
    throw error
  })
  const checked = await checkPackage(await filesOf(folder), read, host)
  const {release} = fetched
  if (release && (checked.name !== release.name || checked.version !== release.version)) {
    throw errors.data(`the tarball of ${release.name} ${release.version} holds ${checked.name} ${checked.version}`, {code: 'PLUGIN_MANIFEST_LIES', category: 'plugin', fix: 'nothing was installed; tell its publisher'})
  }
  const wanted = wantedDependencies(checked.pjson)
  const dependencies = wanted ? await installDependencies(wanted, {folder: stage, cacheDir, registry: cache.registry.config, offline: cache.offline, env, signal}) : {}
  return {...fetched, stage, checked, dependencies, digest: await treeDigest(stage)}
}

/** What the registry says, before anything is fetched. Throws PLUGIN_NOT_FOUND (66), PLUGIN_FORGED (65). */
export async function releaseOf(name: string, want: string, cache: CachedRegistry): Promise<{release: Release; signature: LockedPlugin['signature']}> {
  const news = await cache.news(name)
  if (!news) throw errors.notFound(`there is no package ${name} in the registry`, {code: 'PLUGIN_NOT_FOUND', category: 'plugin', fix: 'cgpu plugins search'})
  const release = pickRelease(news.packument, want)
  const signature = signatureState(release.document, news.keys, release.publishedAt)
  if (signature === 'forged') {
    throw errors.data(`the signature of ${name} ${release.version} is wrong: this is not what was published`, {code: 'PLUGIN_FORGED', category: 'plugin', fix: 'do not install it; check CGPU_NPM_REGISTRY, and tell whoever runs the registry'})
  }
  return {release, signature}
}

async function fromRegistry({name, want}: Spec & {kind: 'registry'}, folder: string, {cache, pinned, sigstore}: PrepareOptions): Promise<Fetched> {
  const {release, signature} = await releaseOf(name, pinned?.version ?? want, cache)
  const {dist} = release.document
  const [bytes, downloads, attested] = await Promise.all([
    cache.tarball(dist.tarball, dist, `${name} ${release.version}`),
    cache.offline ? undefined : cache.registry.downloads(name),
    attestationsOf(release, cache),
  ])
  const integrity = integrityOf(bytes)
  if (pinned && integrity !== pinned.integrity) throw changed(name, release.version)
  const provenance = await provenanceOf(release, integrity, {attested, cache, sigstore})
  await writeFiles(folder, readTarball(bytes))
  return {source: 'registry', want, integrity, signature, release, provenance, downloads}
}

const attestationsOf = async ({document: {dist}}: Release, cache: CachedRegistry): Promise<unknown> => dist.attestations && cache.attestations(dist.attestations.url, dist.integrity)

interface ProvenanceOptions extends Pick<PrepareOptions, 'cache' | 'sigstore'> {
  /** what the registry hands out, where it is here already */
  attested?: unknown
}

/** Where the tarball of that checksum was built; undefined: its publisher does not say. Throws PLUGIN_PROVENANCE (65). */
export async function provenanceOf(release: Release, integrity: string, {attested, cache, sigstore}: ProvenanceOptions): Promise<Provenance | undefined> {
  const {name, version, document: {dist}} = release
  if (!dist.attestations) return undefined
  const sha512 = Buffer.from(integrity.slice('sha512-'.length), 'base64').toString('hex')
  return checkProvenance({name, version, sha512, attestations: attested ?? (await attestationsOf(release, cache)), root: sigstore})
}

async function fromTarball(from: string, folder: string, {cache, cwd, pinned}: PrepareOptions): Promise<Fetched> {
  const remote = /^https?:/.test(from)
  const path = remote ? from : resolve(cwd, from)
  const bytes = !remote ? await readTarballFile(path) : pinned ? await cache.tarball(from, pinned, shownAddress(from)) : await cache.unpinned(from)
  const integrity = integrityOf(bytes)
  if (pinned && pinned.integrity !== integrity) throw changed(from, pinned.version)
  await writeFiles(folder, readTarball(bytes))
  return {source: 'tarball', want: path, integrity, signature: 'none', release: undefined, provenance: undefined, downloads: undefined}
}

async function fromGit({url, ref}: Spec & {kind: 'git'}, folder: string, {cache, signal}: PrepareOptions): Promise<Fetched> {
  if (cache.offline) throw notCached(shownAddress(url)) // nothing is kept of repositories
  const commit = await fetchGit(url, ref, folder, signal)
  return {source: 'git', want: `git+${url}${ref === undefined ? '' : `#${ref}`}`, integrity: commit, signature: 'none', release: undefined, provenance: undefined, downloads: undefined}
}

async function readTarballFile(path: string): Promise<Buffer> {
  const shown = sanitizeLine(path, 300)
  try {
    const bytes = await readFile(path)
    if (bytes.length <= maxTarball) return bytes
  } catch (error) {
    throw errors.notFound(`cannot read ${shown}`, {code: 'FILE_NOT_FOUND', category: 'file', fix: 'check the path', cause: error})
  }
  throw errors.data(`${shown} is too big for a plugin`, {code: 'PLUGIN_TARBALL', category: 'plugin', fix: 'give the tarball of a plugin'})
}

const changed = (name: string, version: string) =>
  errors.data(`${shownAddress(name)} ${version} is not what was installed before: its checksum differs`, {code: 'PLUGIN_INTEGRITY', category: 'plugin', fix: `cgpu plugins install ${shownAddress(name)} asks again`})
