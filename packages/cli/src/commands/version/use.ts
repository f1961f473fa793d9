import type {UpdateResult} from '@cgpu/updater'
import {UpdateCommand, versionArg} from '../../update-command.ts'

/** Switches to an installed version of cgpu. */
export default class VersionUse extends UpdateCommand<UpdateResult> {
  static override args = {version: versionArg}
  static override description = 'Needs no network. None comes by itself until "cgpu update".'
  static override examples = [
    {command: '<%= config.bin %> version use 0.2.0', description: 'this one from now on'},
    {command: '<%= config.bin %> version use 0.2.0 --json', description: 'the same for a script'},
  ]
  static override seeAlso = ['version list', 'version install', 'update']
  static override summary = 'switch to an installed version'

  async run(): Promise<UpdateResult> {
    const {args} = await this.parse(VersionUse)
    const result = await (await this.updater(args.version)).use(args.version)
    this.tell(result)
    return result
  }
}
