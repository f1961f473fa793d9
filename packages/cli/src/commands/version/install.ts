import {UpdateCommand, versionArg} from '../../update-command.ts'

/** Installs a version of cgpu beside the one in use. */
export default class VersionInstall extends UpdateCommand<{id: string; installed: boolean}> {
  static override args = {version: versionArg}
  static override examples = [
    {command: '<%= config.bin %> version install 0.2.0', description: 'have it at hand'},
    {command: '<%= config.bin %> version install 0.2.0 --json', description: 'the same for a script'},
  ]
  static override seeAlso = ['version use', 'version remove', 'update']
  static override summary = 'install a version without using it'

  async run(): Promise<{id: string; installed: boolean}> {
    const {args} = await this.parse(VersionInstall)
    const done = await (await this.updater(args.version)).install(args.version)
    this.log(done.installed ? `installed ${done.id}` : `${done.id} is installed already`)
    return done
  }
}
