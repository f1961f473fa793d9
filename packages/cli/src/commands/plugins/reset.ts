import {boolean} from '@oclif/core/flags'
import {CgpuError, withEnv} from '@cgpu/plugin-sdk'
import type {InstalledPlugin, PluginInstaller, Spec} from '@cgpu/plugins/install'
import {yesFlag} from '../../flags.ts'
import {confirm} from '../../input.ts'
import {PluginsCommand, registryFlags} from '../../plugins-command.ts'

export interface PluginsResetResult {
  removed: string[]
  reinstalled: string[]
}

/** Removes all plugins, or puts them back as they were pinned. */
export default class PluginsReset extends PluginsCommand<PluginsResetResult> {
  static override description = 'With --reinstall each plugin is fetched again in its pinned version and must have its pinned checksum; what was agreed to stays. This repairs files that were changed or lost.'
  static override examples = [
    {command: '<%= config.bin %> plugins reset --reinstall', description: 'fetch all again, as they are pinned'},
    {command: '<%= config.bin %> plugins reset --yes', description: 'remove all, without being asked'},
  ]
  static override flags = {...registryFlags, ...yesFlag, ...withEnv({reinstall: boolean({summary: 'fetch all again, as they are pinned'})})}
  static override seeAlso = ['plugins verify', 'plugins uninstall']
  static override summary = 'remove all plugins, or install them anew'

  async run(): Promise<PluginsResetResult> {
    const {flags} = await this.parse(PluginsReset)
    const installer = await this.installer(flags)
    const plugins = await installer.installed()
    if (plugins.length === 0) this.notice('no plugins are installed')
    if (flags.reinstall) {
      return {removed: [], reinstalled: await this.#reinstallAll(installer, plugins.filter(({source}) => source !== 'link'))}
    }
    if (plugins.length > 0) await confirm(`remove ${plugins.map(({name}) => name).join(', ')}?`, flags.yes)
    for (const {name} of plugins) {
      await installer.uninstall(name)
      this.log(`removed ${name}`)
    }
    return {removed: plugins.map(({name}) => name), reinstalled: []}
  }

  async #reinstallAll(installer: PluginInstaller, plugins: readonly InstalledPlugin[]): Promise<string[]> {
    const failures: {plugin: string; error: CgpuError}[] = []
    for (const plugin of plugins) {
      try {
        await this.#reinstall(installer, plugin)
        this.log(`installed ${plugin.name} ${plugin.version} again`)
      } catch (error) {
        // one that cannot be had any more keeps the others from nothing
        if (!(error instanceof CgpuError)) throw error
        failures.push({plugin: plugin.name, error})
      }
    }
    const [first, ...more] = failures
    for (const {plugin, error: {message, fix}} of more) this.warn(`${plugin} stays as it was: ${message}${fix ? `; ${fix}` : ''}`)
    if (first) throw first.error
    return plugins.map(({name}) => name)
  }

  async #reinstall(installer: PluginInstaller, {name, version, integrity, source, want, level, dependencies}: InstalledPlugin): Promise<void> {
    const {parseSpec} = await import('@cgpu/plugins/install')
    const parsed = parseSpec(source === 'registry' ? `${name}@${version}` : want)
    const spec: Spec = parsed.kind === 'git' ? {...parsed, ref: integrity} : parsed
    await installer.prepared(spec, async (prepared) => {
      const others = Object.entries(prepared.dependencies).filter(([one, pin]) => dependencies[one] !== pin)
      if (others.length > 0) this.warn(`${name} depends on other versions than before: ${others.map(([one]) => one).join(', ')}`)
      await installer.commit({...prepared, want}, level)
    }, {version, integrity})
  }
}
