import {string} from '@oclif/core/args'
import {boolean} from '@oclif/core/flags'
import {withEnv} from '@cgpu/plugin-sdk'
import {type PluginView, viewOf} from '../../plugins/view.ts'
import {PluginsCommand} from '../../plugins-command.ts'

/** Uses a plugin from the folder in which it is written. */
export default class PluginsLink extends PluginsCommand<PluginView> {
  static override args = {folder: string({default: '.', description: 'its folder'})}
  static override description = 'For authors: what is built there runs at once, in cgpu\'s own process, as you. Its dependencies are yours to install.'
  static override examples = [
    {command: '<%= config.bin %> plugins link', description: 'the plugin in this folder'},
    {command: '<%= config.bin %> plugins link ./my-plugin --untrusted', description: 'as strangers will have it at first'},
  ]
  static override flags = withEnv({untrusted: boolean({summary: 'do not let it run as you'})})
  static override seeAlso = ['plugins unlink', 'plugins publish']
  static override summary = 'use a plugin from its own folder'

  async run(): Promise<PluginView> {
    const {args, flags} = await this.parse(PluginsLink)
    const plugin = await (await this.installer()).link(args.folder, flags.untrusted ? 'untrusted' : 'trusted')
    this.log(`linked ${plugin.name} ${plugin.version}, ${plugin.level}`)
    return viewOf(plugin)
  }
}
