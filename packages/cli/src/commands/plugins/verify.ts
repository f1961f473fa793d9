import type {InstalledPlugin, PluginInstaller} from '@cgpu/plugins/install'
import {isUntouched} from '../../plugins/untouched.ts'
import {PluginsCommand, registryFlags} from '../../plugins-command.ts'
import {table} from '../../render/table.ts'

export interface VerifiedPlugin {
  name: string
  version: string
  files: 'as installed' | 'changed' | 'linked'
  signature: 'signed' | 'unsigned' | 'unchecked' | 'forged' | 'none'
  /** where it was built, as the registry says now; `unknown`: it was not asked */
  provenance: 'verified' | 'unchecked' | 'none' | 'wrong' | 'unknown'
  /** whether the registry still has this very tarball under this version */
  registry: 'same' | 'changed' | 'taken back' | 'unknown'
  ok: boolean
}

/** Checks that installed plugins are what was installed, and what the registry has. */
export default class PluginsVerify extends PluginsCommand<VerifiedPlugin[]> {
  static override description = 'Compares every file with what was installed, and the tarball with the registry\'s checksum, signature and attestation of where it was built. Exits with 65 where something is wrong. Without names, all are checked.'
  static override examples = [
    {command: '<%= config.bin %> plugins verify', description: 'all of them'},
    {command: '<%= config.bin %> plugins verify cgpu-plugin-hello --offline', description: 'one of them, its files only'},
  ]
  static override flags = registryFlags
  static override seeAlso = ['plugins audit', 'plugins reset']
  static override strict = false
  static override summary = 'check the files, signatures and origin of plugins'
  static override usage = 'plugins verify [NAME…] [--offline]'

  async run(): Promise<VerifiedPlugin[]> {
    const {argv, flags} = await this.parse(PluginsVerify)
    const installer = await this.installer(flags)
    const plugins = argv.length === 0 ? await installer.installed() : await Promise.all(argv.map((name) => installer.get(String(name))))
    const checked = await Promise.all(plugins.map((plugin) => verify(installer, plugin)))
    if (checked.length === 0) this.notice('no plugins are installed')
    else this.log(table(['name', 'version', 'files', 'signature', 'provenance', 'registry', ''], checked.map((one) => [one.name, one.version, one.files, one.signature, one.provenance, one.registry, one.ok ? 'ok' : 'WRONG'])))
    if (checked.some(({ok}) => !ok)) {
      // what the registry has no more, or has otherwise, is not mended by fetching it again
      const lost = checked.filter((one) => !one.ok && one.files !== 'changed').map(({name}) => name)
      if (checked.some(({files}) => files === 'changed')) this.notice('fix: cgpu plugins reset --reinstall')
      if (lost.length > 0) this.notice(`fix: cgpu plugins update ${lost.join(' ')}, or cgpu plugins uninstall NAME`)
      this.exitWith(65)
    }
    return checked
  }
}

async function verify(installer: PluginInstaller, plugin: InstalledPlugin): Promise<VerifiedPlugin> {
  const {name, version, source, integrity} = plugin
  const files = source === 'link' ? 'linked' : (await isUntouched(plugin)) ? 'as installed' : 'changed'
  const {cache} = installer
  const news = source === 'registry' && !cache.offline ? await cache.news(name).catch(() => undefined) : undefined
  if (!news) return {name, version, files, signature: plugin.signature, provenance: 'unknown', registry: 'unknown', ok: files !== 'changed'}
  if (!Object.hasOwn(news.packument.versions, version)) return {name, version, files, signature: plugin.signature, provenance: 'unknown', registry: 'taken back', ok: false}
  const {pickRelease, signatureState} = await import('@cgpu/plugins/install')
  const release = pickRelease(news.packument, version)
  const {document, publishedAt} = release
  const signature = signatureState(document, news.keys, publishedAt)
  const registry = document.dist.integrity === undefined ? 'unknown' : document.dist.integrity === integrity ? 'same' : 'changed'
  // one that was signed does not lose its signature, nor its origin
  const provenance = await installer.provenanceNow(plugin, release)
  const lost = (plugin.signature === 'signed' && signature === 'unsigned') || (plugin.provenance === 'verified' && provenance === 'none')
  return {name, version, files, signature, provenance, registry, ok: files !== 'changed' && registry !== 'changed' && signature !== 'forged' && provenance !== 'wrong' && !lost}
}
