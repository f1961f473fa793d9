import {string} from '@oclif/core/args'
import {formatRelative} from '@cgpu/core/text/format'
import {CgpuError, errors} from '@cgpu/plugin-sdk'
import type {PluginInstaller} from '@cgpu/plugins/install'
import {type FoundPlugin, foundPlugins, verdict} from '../../plugins/found.ts'
import {PluginsCommand, registryFlags} from '../../plugins-command.ts'
import {table} from '../../render/table.ts'

/** Finds plugins in the registry and in the curated index. */
export default class PluginsSearch extends PluginsCommand<FoundPlugin[]> {
  static override args = {words: string({description: 'words to look for'})}
  static override description = 'Asks the registry for packages with the keyword cgpu-plugin: anybody can publish one. Those that stand in the curated index, where the setting plugin-index or a policy names one, come first, and those that it warns of last.'
  static override examples = [
    {command: '<%= config.bin %> plugins search', description: 'all of them'},
    {command: '<%= config.bin %> plugins search hello --json', description: 'those about something, for a script'},
  ]
  static override flags = registryFlags
  static override seeAlso = ['plugins info', 'plugins install']
  static override summary = 'find plugins'

  async run(): Promise<FoundPlugin[]> {
    const {args, flags} = await this.parse(PluginsSearch)
    const installer = await this.installer(flags)
    const words = (args.words ?? '').trim()
    const [{index, cachedAt}, hits] = await Promise.all([installer.marketIndex(), flags.offline ? [] : this.#hits(installer, words)])
    if (!hits && !index) throw errors.notFound('this registry has no search', {code: 'NO_SEARCH', category: 'plugin', fix: 'cgpu plugins info NAME, or another registry with --registry'})
    if (hits instanceof CgpuError && !index) throw hits
    if (hits instanceof CgpuError) this.warn(`${hits.message}: only the curated index is searched`)
    const states = new Map<string, FoundPlugin['state']>([...[...this.host().plugins].map((name) => [name, 'core'] as const), ...(await installer.installed()).map(({name, level}) => [name, level] as const)])
    const all = foundPlugins(hits instanceof CgpuError ? [] : (hits ?? []), index, words, states)
    if (index) this.notice(`curated index of ${formatRelative(Date.parse(index.generatedAt), Date.now())}, signed by ${index.key}${cachedAt === undefined ? '' : `, fetched ${formatRelative(Date.parse(cachedAt), Date.now())}`}`)
    if (all.length === 0) this.notice('no plugins found')
    else this.log(table(['name', 'version', 'from', 'state', 'downloads', 'what it is'], all.map((one) => [one.name, one.version ?? '', verdict(one), one.state ?? '', one.downloads === null ? '' : String(one.downloads), one.revoked ?? one.description ?? ''])))
    return all
  }

  /** What the registry finds, or that it cannot be reached: the index may be. */
  async #hits({cache}: PluginInstaller, words: string): Promise<Awaited<ReturnType<typeof cache.registry.plugins>> | CgpuError> {
    try {
      return await cache.registry.plugins(words)
    } catch (error) {
      if (error instanceof CgpuError) return error
      throw error
    }
  }
}
