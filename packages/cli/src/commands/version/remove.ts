import type {Installed} from '@cgpu/updater'
import {UpdateCommand, versionArg} from '../../update-command.ts'

/** Removes an installed version of cgpu. */
export default class VersionRemove extends UpdateCommand<Installed[]> {
  static override args = {version: versionArg}
  static override description = 'It can be installed again: nothing of yours is in it. The version in use stays.'
  static override examples = [
    {command: '<%= config.bin %> version remove 0.2.0', description: 'free its space'},
    {command: '<%= config.bin %> version remove 0.2.0 --json', description: 'the same for a script'},
  ]
  static override seeAlso = ['version list', 'version install']
  static override summary = 'remove an installed version'

  async run(): Promise<Installed[]> {
    const {args} = await this.parse(VersionRemove)
    const removed = await (await this.updater()).remove(args.version)
    this.log(`removed ${removed.id}`)
    return [removed]
  }
}
