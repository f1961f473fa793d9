import type {Config, Plugin} from '@oclif/core/config'
import {sanitizeLine, warnEarly} from '@cgpu/plugin-sdk'
import type {LoadablePlugin} from '@cgpu/plugins/install/loadable'
import {pinsOf} from './pinned.ts'

/**
 * oclif's config with every plugin: those that come along, loaded by oclif, and those that were installed, loaded here one by one,
 * so that one that is broken is named and skipped. Code of an untrusted plugin is not loaded; see
 * ../sandbox/stand-in.ts. Those of cgpu's own that are not here yet are described.
 */
export async function loadConfig(root: string): Promise<Config> {
  const oclif = await import('@oclif/core/config')
  const config = await oclif.Config.load({root, userPlugins: false})
  const {dataDir, configDir} = config
  const {loadablePlugins} = await import('@cgpu/plugins/install/loadable')
  const installed = loadablePlugins({dataDir, configDir, env: process.env}, warnEarly)
  const loading = await Promise.all(installed.map((plugin) => load(plugin, config, oclif.Plugin).catch((error: unknown) => skip(plugin, error))))
  for (const [at, plugin] of loading.entries()) {
    try {
      if (plugin) add(plugin, config)
    } catch (error) {
      config.plugins.delete(plugin?.name ?? '')
      skip(installed[at] ?? {name: ''}, error)
    }
  }
  const missing = pinsOf(config).filter(({name}) => !config.plugins.has(name))
  if (missing.length > 0) for (const plugin of (await import('../plugins/pinned-commands.ts')).describePinned(config, missing, oclif.Plugin)) add(plugin, config)
  return config
}

async function load({name, root, level, source}: LoadablePlugin, config: Config, PluginClass: typeof Plugin): Promise<Plugin> {
  if (config.plugins.has(name)) throw new Error('a plugin of this name comes with cgpu')
  if (level === 'untrusted') {
    const {standIn} = await import('../sandbox/stand-in.ts')
    return standIn({name, root}, config, PluginClass)
  }
  // as a link, oclif takes the folder that it is given
  const plugin = new PluginClass({name, root, type: 'link'})
  await plugin.load()
  if (plugin.name !== name) throw new Error(`its package.json calls it ${plugin.name}`)
  // somebody else's manifest may lack anything
  if (plugin.commands.some(({id}: {id?: unknown}) => typeof id !== 'string')) throw new Error('its oclif.manifest.json is wrong')
  plugin.type = source === 'link' ? 'link' : 'user'
  return plugin
}

/** oclif's own methods for this are private in its types. */
interface Loading {
  loadCommands(plugin: Plugin): void
  loadTopics(plugin: Plugin): void
}

function add(plugin: Plugin, config: Config): void {
  const into = config as unknown as Loading // see there
  config.plugins.set(plugin.name, plugin)
  into.loadCommands(plugin)
  into.loadTopics(plugin)
}

function skip({name}: Pick<LoadablePlugin, 'name'>, error: unknown): undefined {
  warnEarly(`the plugin ${sanitizeLine(name, 100)} cannot be loaded and is skipped: ${sanitizeLine(error instanceof Error ? error.message : String(error), 300)}. run: cgpu plugins uninstall ${sanitizeLine(name, 100)}`)
  return undefined
}
