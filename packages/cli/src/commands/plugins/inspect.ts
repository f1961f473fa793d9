import {string} from '@oclif/core/args'
import {errors, sanitizeLine} from '@cgpu/plugin-sdk'
import type {Capability, Enforced} from '@cgpu/plugins'
import type {InstalledPlugin} from '@cgpu/plugins/install'
import {isUntouched} from '../../plugins/untouched.ts'
import {isRegistration} from '../../plugins/withheld.ts'
import {type PluginView, viewOf} from '../../plugins/view.ts'
import {PluginsCommand} from '../../plugins-command.ts'

export interface PluginsInspectResult extends PluginView {
  want: string
  integrity: string
  dependencies: Record<string, string>
  contract: number | null
  capabilities: Capability[]
  commands: {name: string; summary: string}[] | null
  hooks: string[]
  /** false: its files are not those that were installed */
  untouched: boolean
  /** of an untrusted plugin: what hinders it on this machine; null: it is trusted, and nothing does */
  sandbox: Enforced[] | null
}

/** Shows an installed plugin. */
export default class PluginsInspect extends PluginsCommand<PluginsInspectResult> {
  static override args = {plugin: string({description: 'its name', required: true})}
  static override examples = [{command: '<%= config.bin %> plugins inspect cgpu-plugin-hello', description: 'its commands, what it asks for, and where it lies'}]
  static override seeAlso = ['plugins list', 'plugins verify']
  static override summary = 'show an installed plugin'

  async run(): Promise<PluginsInspectResult> {
    const {args} = await this.parse(PluginsInspect)
    const plugin = await (await this.installer()).get(args.plugin)
    const [{inspectFolder, shownAddress}, {describeCapability, describeEnforced, enforcementOf, meansProven}] = await Promise.all([import('@cgpu/plugins/install'), import('@cgpu/plugins')])
    const {contract, capabilities, commands, hooks} = await inspectFolder(plugin.root, {...this.host(), commands: new Set(), plugins: new Set()}).catch((error: unknown) => {
      throw unreadable(plugin, error)
    })
    const {integrity, dependencies} = plugin
    const want = shownAddress(plugin.want)
    const untouched = await isUntouched(plugin)
    const sandbox = plugin.level === 'untrusted' ? enforcementOf(meansProven()) : null
    const shown = commands?.map(({id, summary}) => ({name: id.replaceAll(':', ' '), summary})) ?? null
    const rows: [string, string][] = [
      ['plugin', `${plugin.name} ${plugin.version}`], ['from', `${plugin.source} (${want})`], ['installed', plugin.installedAt], ['folder', plugin.root],
      ['state', plugin.level], ['signature', plugin.signature], ['provenance', plugin.provenance ?? 'none'], ['files', plugin.source === 'link' ? 'linked' : untouched ? 'as installed' : 'CHANGED since they were installed'],
      ['integrity', integrity || 'none'], ['contract', contract === undefined ? 'none' : String(contract)],
      ...(shown ?? []).map(({name, summary}): [string, string] => ['command', summary === '' ? name : `${name}: ${summary}`]),
      ...hooks.map((hook): [string, string] => ['hook', plugin.level === 'untrusted' && isRegistration(hook) ? `${hook}: not called, only a trusted plugin may bring this` : hook]), ...capabilities.map((one): [string, string] => ['needs', describeCapability(one)]),
      ...(sandbox ?? []).map((one): [string, string] => ['sandbox', describeEnforced(one)]),
      ...Object.keys(dependencies).map((one): [string, string] => ['package', one]),
    ]
    for (const [title, text] of rows) this.log(`${title.padEnd(11)}${text}`)
    return {...viewOf(plugin), want, integrity, dependencies, contract: contract ?? null, capabilities, commands: shown, hooks, untouched, sandbox}
  }
}

/** It was read when it came here, so that since then it went away or was changed. */
function unreadable({name, source}: InstalledPlugin, error: unknown): Error {
  const fix = source === 'link' ? `correct what is in its folder, or cgpu plugins unlink ${name}` : 'cgpu plugins reset --reinstall'
  return errors.data(`${name} cannot be read any more: ${sanitizeLine(error instanceof Error ? error.message : String(error), 300)}`, {code: 'PLUGIN_BROKEN', category: 'plugin', fix, cause: error})
}
