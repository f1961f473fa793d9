import {boolean, string} from '@oclif/core/flags'
import {resolveDirs} from '@cgpu/core/state/dirs'
import {CgpuCommand, withEnv} from '@cgpu/plugin-sdk'
import type {Host, IndexSource, InstallerOptions, PluginInstaller} from '@cgpu/plugins/install'

export const registryFlags = withEnv({
  registry: string({summary: 'the registry to ask, in place of npm\'s settings', helpValue: 'URL'}),
  offline: boolean({summary: 'ask nobody: use what was fetched before'}),
})

export interface RegistryFlags {
  registry?: string | undefined
  offline?: boolean | undefined
}

/** The base of `cgpu plugins …`. */
export abstract class PluginsCommand<T = unknown> extends CgpuCommand<T> {
  static override fullConfig = true

  protected async installer(flags: RegistryFlags = {}): Promise<PluginInstaller> {
    const {PluginInstaller} = await import('@cgpu/plugins/install')
    return new PluginInstaller(await this.#options(flags))
  }

  /** What no plugin may take the place of. */
  protected host(): Host {
    const own = [...this.config.plugins.values()].filter(({isRoot, type}) => isRoot || type === 'core')
    const ids = own.flatMap(({commands}) => commands.flatMap(({id, aliases, hiddenAliases}) => [id, ...[...aliases, ...hiddenAliases].map((one) => one.replaceAll(' ', ':'))]))
    // a command that is called as a topic would take its help
    const topics = ids.flatMap((id) => id.split(':').slice(0, -1).map((_, at, words) => words.slice(0, at + 1).join(':')))
    return {version: this.config.version, commands: new Set([...ids, ...topics]), plugins: new Set(own.map(({name}) => name))}
  }

  protected get dirs() {
    const {configDir, dataDir, cacheDir} = this.config
    return resolveDirs(process.env, {configDir, dataDir, cacheDir})
  }

  async #options({registry, offline = false}: RegistryFlags): Promise<InstallerOptions> {
    const {Registry, registryConfig} = await import('@cgpu/plugins/install')
    const {data, cache, config} = this.dirs
    return {
      dataDir: data, cacheDir: cache, configDir: config, cwd: process.cwd(), env: process.env, registry: new Registry(registryConfig(process.env, registry)),
      offline, host: this.host(), index: () => this.#index(), onWarning: (message) => void this.warn(message),
    }
  }

  /** The curated index: where the settings say, else where this package does. */
  async #index(): Promise<IndexSource | undefined> {
    const {resolveSettings} = await import('@cgpu/core/config/resolve')
    const settings = await resolveSettings({env: process.env, cwd: process.cwd(), configDir: this.dirs.config, onWarning: (message) => void this.warn(message)})
    const pinned = (this.config.pjson as {cgpu?: {pluginIndex?: {url: string | null; keys: string[]}}}).cgpu?.pluginIndex // ours: docs/releasing.md
    const [from, key] = [settings.text('plugin-index') ?? pinned?.url ?? 'off', settings.text('plugin-index-key')]
    if (from === 'off') return undefined
    const keys = key === undefined ? (pinned?.keys ?? []) : key.split(',').map((one) => one.trim())
    if (keys.length > 0) return {from, keys}
    this.warn('the index of plugins is not used: there is no key to check it with. set one: cgpu config set plugin-index-key KEY')
    return undefined
  }
}
