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
    {command: '<%= config.bin %> plugins trust cgpu-plugin-hello --accept-network --yes', description: 'run it in its sandbox also where that cannot deny it the network'},
  ]
  static override flags = {
    ...withEnv({
      'accept-network': boolean({summary: 'leave it untrusted, and run it also where its network access cannot be denied', exclusive: ['revoke']}),
      revoke: boolean({summary: 'take it back'}),
    }),
    ...yesFlag,
  }
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
    if (flags['accept-network']) {
      await confirm(`let ${plugin.name} use the network, on machines where its sandbox cannot deny it?`, flags.yes)
      const accepted = await installer.acceptNetwork(plugin)
      this.log(`${plugin.name} may use the network where its sandbox cannot deny it`)
      return viewOf(accepted)
    }
    await checkUntouched(plugin)
    await confirm(`let ${plugin.name} ${plugin.version} run as you, with all that you may do?`, flags.yes)
    const trusted = await installer.setLevel(plugin, 'trusted')
    this.log(`${plugin.name} ${plugin.version} is trusted`)
    return viewOf(trusted)
  }
}
