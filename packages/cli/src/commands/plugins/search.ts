import {string} from '@oclif/core/args'
import {sanitizeLine} from '@cgpu/core/text/line'
import {errors} from '@cgpu/plugin-sdk'
import {PluginsCommand, registryFlags} from '../../plugins-command.ts'
import {table} from '../../render/table.ts'

export interface FoundPlugin {
  id: string
  name: string
  version: string | null
  description: string | null
  publisher: string | null
  publishedAt: string | null
  /** of the last month */
  downloads: number | null
  /** it stands in the curated index */
  curated: boolean
  /** how it may run, where it is installed; core: it comes along */
  state: 'trusted' | 'untrusted' | 'core' | null
}

/** Finds plugins in the registry and in the curated index. */
export default class PluginsSearch extends PluginsCommand<FoundPlugin[]> {
  static override args = {words: string({description: 'words to look for'})}
  static override description = 'Asks the registry for packages with the keyword cgpu-plugin: anybody can publish one. Those that stand in the curated index, where CGPU_PLUGIN_INDEX or a policy names one, come first.'
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
    const [index, hits] = await Promise.all([installer.marketIndex(), flags.offline ? [] : installer.cache.registry.plugins(words)])
    if (!hits && !index) throw errors.notFound('this registry has no search', {code: 'NO_SEARCH', category: 'plugin', fix: 'cgpu plugins info NAME, or another registry with --registry'})
    const states = new Map<string, FoundPlugin['state']>([...[...this.host().plugins].map((name) => [name, 'core'] as const), ...(await installer.installed()).map(({name, level}) => [name, level] as const)])
    const curated = index && !index.expired ? index.plugins : []
    if (index?.expired) this.warn(`the curated index has run out (${index.expiresAt}): what it recommends does not count`)
    const line = (text: string | undefined): string | null => (text === undefined ? null : sanitizeLine(text, 300))
    const found = (hits ?? []).map(({package: {name, version, description, date, publisher, ...others}, downloads}): FoundPlugin => ({
      id: name, name, version: version ?? others['dist-tags']?.latest ?? null, description: line(description), publisher: line(publisher?.username), publishedAt: date ?? null, downloads: downloads?.monthly ?? null,
      curated: curated.some((one) => one.name === name), state: states.get(name) ?? null,
    }))
    const more = curated.filter(({name, summary = ''}) => !found.some((one) => one.name === name) && `${name} ${summary}`.includes(words))
      .map(({name, summary}): FoundPlugin => ({id: name, name, version: null, description: line(summary), publisher: null, publishedAt: null, downloads: null, curated: true, state: states.get(name) ?? null}))
    const all = [...found, ...more].filter(({name}) => !index?.revoked.some((one) => one.name === name && one.versions === '*')).sort((a, b) => Number(b.curated) - Number(a.curated) || (b.downloads ?? 0) - (a.downloads ?? 0))
    if (all.length === 0) this.notice('no plugins found')
    else this.log(table(['name', 'version', 'from', 'state', 'downloads', 'what it is'], all.map((one) => [one.name, one.version ?? '', one.curated ? 'curated' : 'community', one.state ?? '', one.downloads === null ? '' : String(one.downloads), one.description ?? ''])))
    return all
  }
}
