import {boolean} from '@oclif/core/flags'
import {errors} from '@cgpu/core/errors'
import {withEnv} from '@cgpu/plugin-sdk'
import {runtimeArg} from '../../flags.ts'
import {WorkCommand} from '../../work-command.ts'

/** Sets or unsets the default runtime of this folder. */
export default class RuntimeUse extends WorkCommand<{folder: string; runtime: string | null}> {
  static override args = {name: runtimeArg}
  static override examples = [
    {command: '<%= config.bin %> runtime use trainer', description: 'commands in this folder and below work on trainer'},
    {command: '<%= config.bin %> runtime use --none', description: 'forget the choice for this folder'},
  ]
  static override flags = withEnv({none: boolean({summary: 'forget the choice for this folder'})})
  static override summary = 'set the default runtime of this folder'

  async run(): Promise<{folder: string; runtime: string | null}> {
    const {args, flags} = await this.parse(RuntimeUse)
    const folder = process.cwd()
    const cgpu = await this.open(flags)
    if (flags.none) {
      if (args.name !== undefined) throw errors.usage('a name and --none exclude each other', {code: 'USAGE', fix: 'give one of them'})
      await cgpu.folders.unset(folder)
      this.log('this folder has no default runtime now')
      return {folder, runtime: null}
    }
    if (args.name === undefined) throw errors.usage('which runtime should this folder use?', {code: 'USAGE', fix: 'cgpu runtime use NAME, or --none'})
    const {id, name} = await cgpu.runtimes.select(args.name)
    // by id: another name changes nothing
    await cgpu.folders.set(folder, id)
    this.log(`commands in ${folder} work on ${name}`)
    return {folder, runtime: name}
  }
}
