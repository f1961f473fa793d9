import type {Installed} from '@cgpu/updater'
import {table} from '../../render/table.ts'
import {UpdateCommand} from '../../update-command.ts'

/** Lists the versions of cgpu that are on this computer, newest first. */
export default class VersionList extends UpdateCommand<Installed[]> {
  static override examples = [
    {command: '<%= config.bin %> version list', description: 'which are installed, and which is used'},
    {command: '<%= config.bin %> version list --json', description: 'the same for a script'},
  ]
  static override seeAlso = ['version use', 'update']
  static override summary = 'list installed versions'

  async run(): Promise<Installed[]> {
    await this.parse(VersionList)
    const updater = await this.updater()
    const {installation} = updater
    const [versions, {auto, held}, channel] = await Promise.all([installation.list(), installation.state.read(), updater.channel()])
    this.log(table(['VERSION', 'ID', 'STATE', 'INSTALLED'], versions.map(({id, version, state, createdAt}) => [version, id, state, createdAt.slice(0, 10)])))
    this.notice(`new ones come from the channel ${channel}`)
    if (held) this.notice('none comes by itself, as this one was chosen: cgpu update ends that')
    if (auto) this.notice(`last looked for an update ${auto.at.slice(0, 16).replace('T', ' ')} UTC: ${auto.outcome}`)
    return versions
  }
}
