import {string} from '@oclif/core/args'
import {boolean} from '@oclif/core/flags'
import {withEnv} from '@cgpu/plugin-sdk'
import {yesFlag} from '../../flags.ts'
import {confirm} from '../../input.ts'
import {checkUntouched} from '../../plugins/untouched.ts'
import {type PluginView, viewOf} from '../../plugins/view.ts'
import {PluginsCommand} from '../../plugins-command.ts'

/** Lets an installed plugin run in cgpu's own process, or no more. */
export default class PluginsTrust extends PluginsCommand<PluginView> {
  static override args = {plugin: string({description: 'its name', required: true})}
  static override description = 'A trusted plugin runs in cgpu\'s own process, as you: it may read your files, use your accounts and start programs, whatever it declared. This holds for the version that is installed; an update that asks for nothing new keeps it.'
  static override examples = [
    {command: '<%= config.bin %> plugins trust cgpu-plugin-hello --yes', description: 'let it run as you'},
    {command: '<%= config.bin %> plugins trust cgpu-plugin-hello --revoke', description: 'no more'},
  ]
  static override flags = {...withEnv({revoke: boolean({summary: 'take it back'})}), ...yesFlag}
  static override seeAlso = ['plugins inspect', 'plugins verify']
  static override summary = 'let a plugin run as you'

  async run(): Promise<PluginView> {
    const {args, flags} = await this.parse(PluginsTrust)
    const installer = await this.installer()
    const plugin = await installer.get(args.plugin)
    if (flags.revoke) {
      const revoked = await installer.setLevel(plugin, 'untrusted')
      this.log(`${plugin.name} is not trusted any more`)
      return viewOf(revoked)
    }
    await checkUntouched(plugin)
    await confirm(`let ${plugin.name} ${plugin.version} run as you, with all that you may do?`, flags.yes)
    const trusted = await installer.setLevel(plugin, 'trusted')
    this.log(`${plugin.name} ${plugin.version} is trusted`)
    return viewOf(trusted)
  }
}
