import {boolean} from '@oclif/core/flags'
import {withEnv} from '@cgpu/plugin-sdk'
import {type PluginView, viewOf} from '../../plugins/view.ts'
import {PluginsCommand} from '../../plugins-command.ts'
import {table} from '../../render/table.ts'
import {notHere} from '../../shell/pinned.ts'

/** Lists plugins. */
export default class PluginsList extends PluginsCommand<PluginView[]> {
  static override aliases = ['plugins']
  static override examples = [
    {command: '<%= config.bin %> plugins list', description: 'what is installed'},
    {command: '<%= config.bin %> plugins list --core', description: 'and what comes with cgpu'},
  ]
  static override flags = withEnv({core: boolean({summary: 'also those that come with cgpu'})})
  static override seeAlso = ['plugins install', 'plugins inspect']
  static override summary = 'list plugins'

  async run(): Promise<PluginView[]> {
    const {flags} = await this.parse(PluginsList)
    const installed = (await (await this.installer()).installed()).map(viewOf)
    const others = [...this.config.plugins.values()].filter(({isRoot, name, type}) => !isRoot && !installed.some((one) => one.name === name) && (flags.core || type !== 'core') && type !== notHere)
    const views = [...installed, ...others.map(({name, version, type, root}): PluginView =>
      ({id: name, name, version, source: type, state: type === 'core' ? 'core' : 'trusted', signature: 'none', provenance: null, granted: [], createdAt: null, root}))]
    if (views.length === 0) this.notice('no plugins. find some: cgpu plugins search')
    else this.log(table(['name', 'version', 'state', 'from', 'signature'], views.map(({name, version, state, source, signature}) => [name, version, state, source, signature])))
    return views
  }
}
