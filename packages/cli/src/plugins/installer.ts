import type {Config} from '@oclif/core/config'
import {resolveDirs} from '@cgpu/core/state/dirs'
import type {Settings} from '@cgpu/core/config/resolve'
import type {Host, IndexSource, PluginInstaller, SigstoreSource} from '@cgpu/plugins/install'
import {pinsOf} from '../shell/pinned.ts'

export interface RegistryFlags {
  registry?: string | undefined
  offline?: boolean | undefined
}

export function dirsOf({configDir, dataDir, cacheDir}: Config) {
  return resolveDirs(process.env, {configDir, dataDir, cacheDir})
}

/** What no plugin may take the place of. */
export function hostOf(config: Config): Host {
  const own = [...config.plugins.values()].filter(({isRoot, type}) => isRoot || type === 'core')
  const ids = own.flatMap(({commands}) => commands.flatMap(({id, aliases, hiddenAliases}) => [id, ...[...aliases, ...hiddenAliases].map((one) => one.replaceAll(' ', ':'))]))
  // a command that is called as a topic would take its help
  const topics = ids.flatMap((id) => id.split(':').slice(0, -1).map((_, at, words) => words.slice(0, at + 1).join(':')))
  return {
    version: config.version, commands: new Set([...ids, ...topics]), plugins: new Set(own.map(({name}) => name)),
    reserved: new Map(pinsOf(config).flatMap(({name, commands}) => commands.map((word) => [word, name] as const))),
  }
}

/** By the user's settings. */
export async function installerOf(config: Config, {registry, offline = false}: RegistryFlags, onWarning: (message: string) => void): Promise<PluginInstaller> {
  const {PluginInstaller, Registry, registryConfig} = await import('@cgpu/plugins/install')
  const {data, cache, config: configDir} = dirsOf(config)
  return new PluginInstaller({
    dataDir: data, cacheDir: cache, configDir, cwd: process.cwd(), env: process.env, registry: new Registry(registryConfig(process.env, registry)), offline, host: hostOf(config),
    index: () => indexOf(config, onWarning), sigstore: () => sigstoreOf(config, onWarning), onWarning,
  })
}

async function settingsOf(config: Config, onWarning: (message: string) => void): Promise<Settings> {
  const {resolveSettings} = await import('@cgpu/core/config/resolve')
  return resolveSettings({env: process.env, cwd: process.cwd(), configDir: dirsOf(config).config, onWarning})
}

/** As the settings say; a path is meant from where the command is started. */
async function sigstoreOf(config: Config, onWarning: (message: string) => void): Promise<SigstoreSource> {
  const settings = await settingsOf(config, onWarning)
  return {url: settings.text('sigstore-url'), root: settings.text('sigstore-root')}
}

/** The curated index: where the settings say, else where this package does. */
async function indexOf(config: Config, onWarning: (message: string) => void): Promise<IndexSource | undefined> {
  const settings = await settingsOf(config, onWarning)
  const pinned = (config.pjson as {cgpu?: {pluginIndex?: {url: string | null; keys: string[]}}}).cgpu?.pluginIndex // ours: docs/releasing.md
  const [from, key] = [settings.text('plugin-index') ?? pinned?.url ?? 'off', settings.text('plugin-index-key')]
  if (from === 'off') return undefined
  const keys = key === undefined ? (pinned?.keys ?? []) : key.split(',').map((one) => one.trim())
  if (keys.length > 0) return {from, keys}
  onWarning('the index of plugins is not used: there is no key to check it with. set one: cgpu config set plugin-index-key KEY')
  return undefined
}
