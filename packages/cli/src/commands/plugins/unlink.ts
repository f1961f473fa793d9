import {string} from '@oclif/core/args'
import {errors} from '@cgpu/plugin-sdk'
import {type PluginView, viewOf} from '../../plugins/view.ts'
import {PluginsCommand} from '../../plugins-command.ts'

/** Uses a linked plugin no more. */
export default class PluginsUnlink extends PluginsCommand<PluginView> {
  static override args = {plugin: string({description: 'its name', required: true})}
  static override examples = [{command: '<%= config.bin %> plugins unlink cgpu-plugin-mine', description: 'its folder stays as it is'}]
  static override seeAlso = ['plugins link']
  static override summary = 'use a linked plugin no more'

  async run(): Promise<PluginView> {
    const {args} = await this.parse(PluginsUnlink)
    const installer = await this.installer()
    const plugin = await installer.get(args.plugin)
    if (plugin.source !== 'link') throw errors.usage(`${plugin.name} is installed, not linked`, {code: 'PLUGIN_NOT_LINKED', category: 'plugin', fix: `cgpu plugins uninstall ${plugin.name}`})
    await installer.uninstall(plugin.name)
    this.log(`unlinked ${plugin.name}; ${plugin.root} stays as it is`)
    return viewOf(plugin)
  }
}
