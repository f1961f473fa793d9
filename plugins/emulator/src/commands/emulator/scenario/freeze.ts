import {string} from '@oclif/core/args'
import {EmulatorCommand, nameFlag} from '../../../emulator-command.ts'

/** Makes connections half open. */
export default class EmulatorScenarioFreeze extends EmulatorCommand<{frozen: string}> {
  static override args = {site: string({description: 'control, runtime:*, port:*, or * for all', default: '*'})}
  static override examples = [
    {command: "<%= config.bin %> emulator scenario freeze 'runtime:*'", description: 'runtimes say nothing more, and do not hang up'},
    {command: '<%= config.bin %> emulator scenario freeze control', description: 'Colab itself says nothing more'},
  ]
  static override flags = nameFlag
  static override seeAlso = ['emulator scenario thaw']
  static override summary = 'have connections go silent without ending'

  async run(): Promise<{frozen: string}> {
    const {args, flags} = await this.parse(EmulatorScenarioFreeze)
    await (await this.admin(flags.name)).happen({freeze: args.site})
    this.log(`frozen: ${args.site}; go on with: cgpu emulator scenario thaw`)
    return {frozen: args.site}
  }
}
