import {readFile} from 'node:fs/promises'
import {join, resolve} from 'node:path'
import {CgpuError, errors} from '@cgpu/core/errors'
import {isObject, parseJson} from '@cgpu/core/state/json'
import {didYouMean} from '@cgpu/core/text/closest'
import {sanitizeLine} from '@cgpu/core/text/line'
import type {Capability} from '../manifest.ts'
import {type Trust, type TrustLevel, TrustStore} from '../trust.ts'
import {CachedRegistry} from './cache.ts'
import {checkPackage, checkShadows, type Host, noPluginIn} from './check.ts'
import {levelOf} from './level.ts'
import {type LockedPlugin, rootOf} from './lock-file.ts'
import {makeIndex} from './make-index.ts'
import {revocationOf} from './index-document.ts'
import {type IndexSource, type MarketAnswer, readMarketIndex} from './marketplace.ts'
import {Policies, type PolicyQuestion} from './policy.ts'
import {prepare, type Prepared, provenanceOf} from './prepare.ts'
import type {Registry} from './registry.ts'
import type {Release} from './release.ts'
import {parseSpec, type Spec} from './spec.ts'
import {PluginStore} from './store.ts'
import {exists, ownFilesOf} from './tree.ts'
import {type KnownRoot, type SigstoreSource, trustedRoot} from './trusted-root.ts'
import {untilSignal} from './until-signal.ts'

export interface InstallerOptions {
  dataDir: string
  cacheDir: string
  configDir: string
  cwd: string
  env: NodeJS.ProcessEnv
  registry: Registry
  offline: boolean
  host: Host
  /** the curated index that the settings or the package name; a policy's counts before it */
  index?: () => Promise<IndexSource | undefined>
  /** where the keys come from that provenance is checked with; what a policy names counts before it */
  sigstore?: () => Promise<SigstoreSource>
  onWarning: (message: string) => void
}

/** A plugin as it is here. */
export interface InstalledPlugin extends LockedPlugin {
  root: string
  level: TrustLevel
  granted: Capability[]
}

/** Installs, updates, links and removes plugins. Consent is the caller's: `prepare` shows what is to come, `commit` makes it so. */
export class PluginInstaller {
  readonly store: PluginStore
  readonly trust: TrustStore
  readonly cache: CachedRegistry
  readonly #options: InstallerOptions

  constructor(options: InstallerOptions) {
    this.#options = options
    const {dataDir, cacheDir, registry, offline, onWarning} = options
    this.store = new PluginStore(dataDir, onWarning)
    this.trust = new TrustStore(dataDir, onWarning)
    this.cache = new CachedRegistry({cacheDir, registry, offline, onWarning})
  }

  async installed(): Promise<InstalledPlugin[]> {
    const [all, trusts] = await Promise.all([this.store.all(), this.trust.all()])
    return all.map((plugin) => this.#describe(plugin, trusts.find(({name}) => name === plugin.name))).sort((a, b) => (a.installedAt < b.installedAt ? 1 : -1))
  }

  /** Throws PLUGIN_NOT_INSTALLED (66). */
  async get(name: string): Promise<InstalledPlugin> {
    const all = await this.installed()
    const found = all.find((one) => one.name === name)
    if (found) return found
    throw errors.notFound(`no plugin ${sanitizeLine(name, 200)} is installed`, {code: 'PLUGIN_NOT_INSTALLED', category: 'plugin', fix: didYouMean(name, all.map((one) => one.name)) ?? 'cgpu plugins list', details: {installed: all.map((one) => one.name)}})
  }

  /** Where the version that is here was built, by what the registry says now. `wrong`: by something that is not true. */
  async provenanceNow({integrity}: InstalledPlugin, release: Release): Promise<'verified' | 'unchecked' | 'none' | 'wrong'> {
    const {configDir, env} = this.#options
    const policies = await Policies.read(configDir, env)
    try {
      return (await provenanceOf(release, integrity, {cache: this.cache, sigstore: () => this.#sigstore(policies)}))?.state ?? 'none'
    } catch (error) {
      if (error instanceof CgpuError && error.code === 'PLUGIN_PROVENANCE') return 'wrong'
      throw error
    }
  }

  /** Fetches and checks what was asked for; `use` gets it and may `commit` it. What is not committed leaves no trace. */
  async prepared<T>(typed: string | Spec, use: (prepared: Prepared) => Promise<T>, pinned?: {version: string; integrity: string}): Promise<T> {
    const spec = typeof typed === 'string' ? parseSpec(typed) : typed
    const {cacheDir, configDir, host, cwd, env} = this.#options
    // said before anything is fetched
    if (spec.kind === 'registry' && host.plugins.has(spec.name)) throw errors.conflict(`${spec.name} comes with cgpu, and nothing takes its place`, {code: 'PLUGIN_SHADOWS', category: 'plugin', fix: 'cgpu plugins list --core'})
    const stage = await this.store.stage()
    try {
      const policies = await Policies.read(configDir, env)
      return await untilSignal(stage, async (signal) => use(await prepare(spec, {stage, cache: this.cache, cacheDir, host, cwd, env, pinned, signal, sigstore: () => this.#sigstore(policies)})))
    } finally {
      await this.store.discard(stage)
    }
  }

  /** Makes what was prepared the installed version, and keeps what was agreed to. Throws PLUGIN_POLICY (75), PLUGIN_DUPLICATE (72). */
  async commit(prepared: Prepared, level: TrustLevel): Promise<InstalledPlugin> {
    const {checked: {name, version, capabilities}, release, source, want, integrity, digest, signature, provenance, dependencies, stage} = prepared
    await this.checkPolicy({name, version, source, signature, provenance: provenance?.state ?? 'none', publishedAt: release?.publishedAt, trusted: level === 'trusted'})
    return this.store.exclusive(async () => {
      await this.#checkOthers(prepared.checked)
      const at = new Date().toISOString()
      // before the switch: what was agreed to names the version, so it says nothing about the one that is still there
      const trust: Trust = {...(await this.trust.get(name)), name, level, version, granted: capabilities, at}
      await this.trust.put(trust)
      const installed = await this.store.commit(stage, {name, version, source, want, integrity, digest, signature, ...(provenance ? {provenance: provenance.state} : {}), dependencies, installedAt: at})
      makeIndex(this.#options.dataDir)
      return this.#describe(installed, trust)
    })
  }

  async checkPolicy(question: PolicyQuestion): Promise<void> {
    const {configDir, env} = this.#options
    const problem = (await Policies.read(configDir, env)).problem(question)
    if (problem) throw problem
  }

  /** The curated index, where there is one. What is wrong with it is told, and no reason to fail. */
  async marketIndex(): Promise<MarketAnswer> {
    const {answer} = await this.#market()
    for (const warning of answer.warnings) this.#options.onWarning(warning)
    return answer
  }

  /**
   * Throws PLUGIN_REVOKED (75) for what the curated index warns of, PLUGIN_INDEX (65) for one that is not to be believed, and
   * PLUGIN_INDEX_UNREACHABLE (69) where a policy names one that cannot be had.
   */
  async checkRevoked(name: string, version: string): Promise<void> {
    const {answer: {index, problem, warnings}, required} = await this.#market()
    // somebody who cuts the line keeps warnings away just as well: whoever must not miss one says so in a policy
    if (problem && (problem.code === 'PLUGIN_INDEX' || (required && !index))) throw problem
    for (const warning of warnings) this.#options.onWarning(warning)
    const why = index && revocationOf(index, name, version)
    if (why !== undefined) throw errors.vetoed(`${name} ${version} is on the list of plugins that must not be used: ${why}`, {code: 'PLUGIN_REVOKED', category: 'plugin', fix: 'use another version, or another plugin: cgpu plugins search'})
  }

  async #sigstore({trustedRoot: file}: Policies): Promise<KnownRoot | undefined> {
    const {cacheDir, offline, onWarning, sigstore} = this.#options
    return trustedRoot({cacheDir, offline, file, onWarning, ...(file === undefined ? {source: await sigstore?.()} : {})})
  }

  async #market(): Promise<{answer: MarketAnswer; required: boolean}> {
    const {configDir, cacheDir, env, offline, index} = this.#options
    const {index: ofPolicy} = await Policies.read(configDir, env)
    const named = ofPolicy ? {from: ofPolicy.from, keys: ofPolicy.key.split(',').map((one) => one.trim())} : await index?.()
    return {answer: named ? await readMarketIndex({...named, cacheDir, offline}) : {warnings: []}, required: ofPolicy !== undefined}
  }

  /** Uses a folder where it is. Throws PLUGIN_NOT_FOUND (66), PLUGIN_SHADOWS, PLUGIN_DUPLICATE (72), PLUGIN_POLICY (75). */
  async link(folder: string, level: TrustLevel): Promise<InstalledPlugin> {
    const root = resolve(this.#options.cwd, folder)
    if (!(await exists(join(root, 'package.json')))) throw noPluginIn(root)
    const read = (path: string): Promise<string | undefined> => readFile(join(root, path), 'utf8').catch(() => undefined)
    // its author is at work on it: of its files only the declarations are read
    const checked = await checkPackage([], (path) => (path === 'package.json' ? read(path) : Promise.resolve(undefined)), this.#options.host)
    const {name, version, capabilities} = checked
    // a manifest that is there may be of before: only what it would take from others counts
    const ids = await commandsIn(root)
    checkShadows(name, ids, this.#options.host)
    await this.checkPolicy({name, version, source: 'link', signature: 'none', provenance: 'none', publishedAt: undefined, trusted: level === 'trusted'})
    return this.store.exclusive(async () => {
      await this.#checkOthers({name, commands: ids.map((id) => ({id, summary: '', aliases: []}))})
      const at = new Date().toISOString()
      const trust: Trust = {name, level, version, granted: capabilities, at}
      await this.trust.put(trust)
      const plugin: LockedPlugin = {name, version, source: 'link', want: root, folder: root, integrity: '', digest: '', signature: 'none', dependencies: {}, installedAt: at}
      await this.store.put(plugin)
      makeIndex(this.#options.dataDir)
      return this.#describe(plugin, trust)
    })
  }

  /** Throws PLUGIN_NOT_INSTALLED (66). */
  async uninstall(name: string): Promise<InstalledPlugin> {
    const plugin = await this.get(name)
    await this.store.exclusive(async () => {
      await this.store.remove(name)
      await this.trust.remove(name)
      makeIndex(this.#options.dataDir)
    })
    return plugin
  }

  /** Lets an installed version run in cgpu's own process, or no more. Throws PLUGIN_POLICY (75). */
  async setLevel(plugin: InstalledPlugin, level: TrustLevel): Promise<InstalledPlugin> {
    const {name, version} = plugin
    if (level === 'trusted') await this.checkPolicy(questionOf(plugin, true))
    return this.#agree(plugin, {...(await this.trust.get(name)), name, level, version, granted: plugin.granted, at: new Date().toISOString()})
  }

  /** It stays as trusted as it is, and is run in its sandbox also where that cannot deny it the network. */
  async acceptNetwork(plugin: InstalledPlugin): Promise<InstalledPlugin> {
    const {name, version, level, granted} = plugin
    return this.#agree(plugin, {...(await this.trust.get(name)), name, level, version, granted, at: new Date().toISOString(), acceptsNetwork: true})
  }

  async #agree(plugin: LockedPlugin, trust: Trust): Promise<InstalledPlugin> {
    await this.trust.put(trust)
    makeIndex(this.#options.dataDir)
    return this.#describe(plugin, trust)
  }

  /** Two plugins with one command are an error that names both. */
  async #checkOthers({name, commands}: Pick<Prepared['checked'], 'name' | 'commands'>): Promise<void> {
    const mine = new Set((commands ?? []).flatMap(({id, aliases}) => [id, ...aliases]))
    for (const other of await this.store.all()) {
      if (other.name === name) continue
      const taken = (await commandsIn(rootOf(this.#options.dataDir, other))).find((id) => mine.has(id))
      if (taken !== undefined) {
        throw errors.conflict(`${name} and ${other.name} both bring a command "${sanitizeLine(taken.replaceAll(':', ' '), 80)}"`, {code: 'PLUGIN_DUPLICATE', category: 'plugin', fix: `cgpu plugins uninstall ${other.name}, or do without ${name}`})
      }
    }
  }

  #describe(plugin: LockedPlugin, trust: Trust | undefined): InstalledPlugin {
    return {...plugin, root: rootOf(this.#options.dataDir, plugin), level: levelOf(plugin, trust), granted: trust?.granted ?? []}
  }
}

/** Its age was looked at when it was installed. */
export const questionOf = ({name, version, source, signature, provenance}: InstalledPlugin, trusted: boolean): PolicyQuestion => ({name, version, source, signature, provenance: provenance ?? 'none', publishedAt: new Date(0).toISOString(), trusted})

/** As its manifest says, aliases too; none where there is no manifest. */
async function commandsIn(root: string): Promise<string[]> {
  try {
    const manifest = parseJson(await readFile(join(root, 'oclif.manifest.json'), 'utf8'))
    const commands = isObject(manifest) && isObject(manifest['commands']) ? manifest['commands'] : {}
    return Object.entries(commands).flatMap(([id, command]) => [id, ...(isObject(command) && Array.isArray(command['aliases']) ? command['aliases'].map((one) => String(one).replaceAll(' ', ':')) : [])])
  } catch {
    return [] // broken or gone: it is named when plugins are loaded
  }
}

/** What a plugin's package declares, from its folder. */
export async function inspectFolder(root: string, host: Host): ReturnType<typeof checkPackage> {
  return checkPackage(await ownFilesOf(root), (path) => readFile(join(root, path), 'utf8').catch(() => undefined), host)
}
