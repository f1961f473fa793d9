import {string} from '@oclif/core/args'
import {EmulatorCommand, nameFlag} from '../../../emulator-command.ts'

/** Takes machines away, as Colab does. */
export default class EmulatorScenarioReclaim extends EmulatorCommand<{reclaimed: string[]}> {
  static override args = {endpoint: string({description: 'endpoint of the runtime, as `emulator status` has it; default: every one'})}
  static override examples = [
    {command: '<%= config.bin %> emulator scenario reclaim', description: 'take every runtime away, without a word'},
    {command: '<%= config.bin %> emulator scenario reclaim --json', description: 'the same for a script, with what was taken'},
  ]
  static override flags = nameFlag
  static override summary = 'take runtimes away, as Colab does'

  async run(): Promise<{reclaimed: string[]}> {
    const {args, flags} = await this.parse(EmulatorScenarioReclaim)
    const admin = await this.admin(flags.name)
    const reclaimed = args.endpoint === undefined ? (await admin.status()).assignments.map((one) => one.endpoint) : [args.endpoint]
    await admin.reclaim(args.endpoint)
    this.log(reclaimed.length === 0 ? 'there was no runtime' : `took away ${reclaimed.join(', ')}`)
    return {reclaimed}
  }
}
