import {boolean, option} from '@oclif/core/flags'
import {CgpuError, withEnv} from '@cgpu/plugin-sdk'
import type {InstalledPlugin, PluginInstaller, Prepared} from '@cgpu/plugins/install'
import {yesFlag} from '../../flags.ts'
import {cardOf, type PluginCard} from '../../plugins/card.ts'
import {consent} from '../../plugins/consent.ts'
import {PluginsCommand, registryFlags} from '../../plugins-command.ts'

export interface PluginUpdate {
  name: string
  from: string
  to: string
  state: 'updated' | 'current' | 'linked' | 'available'
  /** what it asks for that nobody agreed to before */
  newCapabilities: PluginCard['capabilities']
}

/** Updates plugins. */
export default class PluginsUpdate extends PluginsCommand<PluginUpdate[]> {
  static override description = 'Follows what was asked for at the installation: a tag, a range, a branch. A version that asks for more than was agreed to is asked about again. Without names, all are updated.'
  static override examples = [
    {command: '<%= config.bin %> plugins update', description: 'all of them'},
    {command: '<%= config.bin %> plugins update cgpu-plugin-hello --dry-run', description: 'only look'},
  ]
  static override flags = {
    ...registryFlags, ...yesFlag,
    ...withEnv({
      'dry-run': boolean({summary: 'say what would be updated'}),
      grant: option({multiple: true, options: ['exec', 'write', 'all-hosts'] as const, summary: 'agree to this where --yes does not'})(),
    }),
  }
  static override seeAlso = ['plugins list', 'plugins audit']
  static override strict = false
  static override summary = 'update plugins'
  static override usage = 'plugins update [NAME…] [--dry-run] [-y]'

  async run(): Promise<PluginUpdate[]> {
    const {argv, flags} = await this.parse(PluginsUpdate)
    const installer = await this.installer(flags)
    const plugins = argv.length === 0 ? await installer.installed() : await Promise.all(argv.map((name) => installer.get(String(name))))
    if (plugins.length === 0) this.notice('no plugins are installed')
    const updates: PluginUpdate[] = []
    const failures: {plugin: string; error: CgpuError}[] = []
    for (const plugin of plugins) {
      try {
        const update = await this.#update(installer, plugin, flags)
        updates.push(update)
        this.log(textOf(update))
      } catch (error) {
        // one that cannot be updated keeps none of the others waiting
        if (!(error instanceof CgpuError) || error.code === 'NOT_CONFIRMED') throw error
        failures.push({plugin: plugin.name, error})
      }
    }
    const [first, ...more] = failures
    // the last thing that is said is about one of them only
    for (const {plugin, error: {message, fix}} of more) this.warn(`${plugin} was not updated: ${message}${fix ? `; ${fix}` : ''}`)
    if (first) throw first.error
    return updates
  }

  async #update(installer: PluginInstaller, plugin: InstalledPlugin, flags: {yes: boolean; 'dry-run': boolean; grant?: ('exec' | 'write' | 'all-hosts')[] | undefined}): Promise<PluginUpdate> {
    const {name, source, want, version: from} = plugin
    if (source === 'link') return {name, from, to: from, state: 'linked', newCapabilities: []}
    const {releaseOf} = await import('@cgpu/plugins/install')
    // asked before anything is fetched
    if (source === 'registry' && (await releaseOf(name, want, installer.cache)).release.version === from) return {name, from, to: from, state: 'current', newCapabilities: []}
    return installer.prepared(source === 'registry' ? `${name}@${want}` : want, async (prepared) => {
      const to = prepared.checked.version
      if (prepared.integrity === plugin.integrity) return {name, from, to, state: 'current', newCapabilities: []}
      const asked = await this.#newCapabilities(prepared, plugin)
      const update = {name, from, to, newCapabilities: asked}
      if (flags['dry-run']) return {...update, state: 'available'}
      await installer.checkRevoked(name, to)
      if (asked.length > 0) {
        for (const {text} of asked) this.notice(`${name} ${to} asks for more: ${text}`)
        await consent({what: `update ${name} ${from} to ${to}`, asked, trusted: plugin.level === 'trusted', yes: flags.yes, grants: flags.grant ?? [], command: `cgpu plugins update ${name}`})
      }
      await installer.commit(prepared, plugin.level)
      return {...update, state: 'updated'}
    })
  }

  async #newCapabilities(prepared: Prepared, {granted}: InstalledPlugin): Promise<PluginCard['capabilities']> {
    const {newCapabilities} = await import('@cgpu/plugins/install')
    const news = newCapabilities(prepared.checked.capabilities, granted)
    return (await cardOf({...prepared, checked: {...prepared.checked, capabilities: news}})).capabilities
  }
}

function textOf({name, from, to, state}: PluginUpdate): string {
  if (state === 'linked') return `${name} is linked: its folder is yours to update`
  if (state === 'current') return `${name} ${from} is the newest`
  return state === 'updated' ? `updated ${name} ${from} to ${to}` : `${name} ${from} would become ${to}`
}
