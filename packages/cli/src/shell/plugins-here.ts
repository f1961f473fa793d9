import {resolveDirs} from '@cgpu/core/state/dirs'
import {isCgpuEvent, supportsContract} from '@cgpu/plugin-sdk/lean'
import {type IndexedPlugin, keptIndex, pluginIndex} from '@cgpu/plugins/install/plugin-index'
import {forbidden} from '@cgpu/plugins/install/policy-names'
import {hasUserPlugins} from './own-only.ts'

/** Hooks around every command, which only oclif calls. */
const aroundCommands = ['init', 'prerun', 'postrun', 'finally']

/**
 * The plugins that the user has, as their index tells it. Undefined: they have to be loaded, as one of them wants a say in every command,
 * or there is something to warn of. `own`: names of the plugins that come with cgpu.
 */
export async function pluginsHere(own: readonly string[], env: NodeJS.ProcessEnv): Promise<IndexedPlugin[] | undefined> {
  const {data, config} = resolveDirs(env)
  // an index that holds was made of what `hasUserPlugins` reads
  const kept = keptIndex(data)
  if (!kept && !hasUserPlugins(data)) return []
  const {plugins, odd} = kept ?? (await pluginIndex(data))
  if (odd !== undefined) return undefined
  const why = forbidden(config, env)
  const plain = plugins.every((plugin) => {
    const events = Object.keys(plugin.hooks)
    return !own.includes(plugin.name) && why(plugin.name, plugin.level === 'trusted') === undefined && !events.some((event) => aroundCommands.includes(event))
      && (supportsContract(plugin.contract) || !events.some(isCgpuEvent))
  })
  return plain ? plugins : undefined
}
