import {string} from '@oclif/core/args'
import {type PluginView, viewOf} from '../../plugins/view.ts'
import {PluginsCommand} from '../../plugins-command.ts'

/** Removes a plugin, and what it was allowed. */
export default class PluginsUninstall extends PluginsCommand<PluginView> {
  static override aliases = ['plugins:remove']
  static override args = {plugin: string({description: 'its name', required: true})}
  static override description = 'A folder that was linked stays as it is.'
  static override examples = [{command: '<%= config.bin %> plugins uninstall cgpu-plugin-hello', description: 'remove it, and what it was allowed'}]
  static override seeAlso = ['plugins list']
  static override summary = 'remove a plugin'

  async run(): Promise<PluginView> {
    const {args} = await this.parse(PluginsUninstall)
    const [installer, {removeFromList}] = await Promise.all([this.installer(), import('@cgpu/plugins/install/oclif-list')])
    const listed = this.config.plugins.get(args.plugin)
    if (!(await installer.store.get(args.plugin)) && (await removeFromList(this.dirs.data, args.plugin))) {
      this.log(`removed ${args.plugin}`)
      return {id: args.plugin, name: args.plugin, version: listed?.version ?? '', source: 'link', state: 'trusted', signature: 'none', provenance: null, granted: [], createdAt: null, root: listed?.root ?? ''}
    }
    const removed = await installer.uninstall(args.plugin)
    this.log(`removed ${removed.name} ${removed.version}`)
    return viewOf(removed)
  }
}
