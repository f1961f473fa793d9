import {string} from '@oclif/core/args'
import {formatRelative} from '@cgpu/core/text/format'
import {sanitizeLine} from '@cgpu/core/text/line'
import {errors} from '@cgpu/plugin-sdk'
import type {Capability} from '@cgpu/plugins'
import {PluginsCommand, registryFlags} from '../../plugins-command.ts'

export interface PluginsInfoResult {
  id: string
  name: string
  version: string
  description: string | null
  publisher: string | null
  publishedAt: string | null
  licence: string | null
  deprecated: string | null
  signature: string
  downloads: number | null
  contract: number | null
  capabilities: Capability[]
  tags: Record<string, string>
  /** newest first */
  versions: string[]
  /** the curated index recommends it */
  curated: boolean
  /** why it must not be used, as the curated index says */
  revoked: string | null
  /** the version that is here */
  installed: string | null
}

/** Shows what a registry says of a plugin. */
export default class PluginsInfo extends PluginsCommand<PluginsInfoResult> {
  static override args = {plugin: string({description: 'its name, or NAME@VERSION', required: true})}
  static override description = 'Nothing is fetched but what the registry says. What the package itself holds is shown by cgpu plugins install --dry-run.'
  static override examples = [
    {command: '<%= config.bin %> plugins info cgpu-plugin-hello', description: 'who publishes it, and what it asks for'},
    {command: '<%= config.bin %> plugins info cgpu-plugin-hello@1.0.0 --json', description: 'one version, for a script'},
  ]
  static override flags = registryFlags
  static override seeAlso = ['plugins search', 'plugins install']
  static override summary = 'show what the registry says of a plugin'

  async run(): Promise<PluginsInfoResult> {
    const {args, flags} = await this.parse(PluginsInfo)
    const installer = await this.installer(flags)
    const {parseSpec, releaseOf, revocationOf} = await import('@cgpu/plugins/install')
    const spec = parseSpec(args.plugin)
    if (spec.kind !== 'registry') throw errors.usage('only what is in a registry can be looked up', {code: 'PLUGIN_SPEC', category: 'plugin', fix: `cgpu plugins install ${sanitizeLine(args.plugin, 200)} --dry-run`})
    const {name} = spec
    const [{release, signature}, downloads, {index}] = await Promise.all([
      releaseOf(name, spec.want, installer.cache), flags.offline ? undefined : installer.cache.registry.downloads(name), installer.marketIndex(),
    ])
    const news = await installer.cache.news(name)
    const {describeCapability, manifestOf} = await import('@cgpu/plugins')
    const manifest = manifestOf(release.document, name)
    const installed = (await installer.store.get(name))?.version ?? null
    const {version, publisher, publishedAt, licence, deprecated, document} = release
    const result: PluginsInfoResult = {
      id: name, name, version, description: document.description === undefined ? null : sanitizeLine(document.description, 500), publisher: publisher ?? null, publishedAt: publishedAt ?? null,
      licence: licence ?? null, deprecated: deprecated ?? null, signature, downloads: downloads ?? null, contract: manifest?.contract ?? null, capabilities: manifest?.capabilities ?? [],
      curated: index !== undefined && !index.expired && index.plugins.some((one) => one.name === name), tags: news?.packument['dist-tags'] ?? {}, versions: Object.keys(news?.packument.versions ?? {}).toReversed(), revoked: (index && revocationOf(index, name, version)) ?? null, installed,
    }
    const rows: [string, string | null][] = [
      ['plugin', `${name} ${version}`], ['about', result.description], ['curated', result.curated ? 'somebody looked at it, and put it on the index of plugins' : null], ['REVOKED', result.revoked], ['deprecated', result.deprecated],
      ['published', `${publishedAt === undefined ? 'nobody says when' : formatRelative(Date.parse(publishedAt), Date.now())}${publisher === undefined ? '' : ` by ${publisher}`}`],
      ['licence', licence ?? 'none'], ['downloads', downloads === undefined ? null : `${downloads} in the last month`], ['signature', signature],
      ['contract', manifest ? String(manifest.contract) : 'none'], ...result.capabilities.map((one): [string, string] => ['needs', describeCapability(one)]),
      ['versions', result.versions.slice(0, 10).map((one) => sanitizeLine(one, 50)).join(', ')], ['installed', installed],
    ]
    for (const [title, text] of rows) if (text !== null) this.log(`${title.padEnd(11)}${text}`)
    return result
  }
}
