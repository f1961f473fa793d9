import {EmulatorCommand, nameFlag} from '../../../emulator-command.ts'

/** Lets frozen connections go on. */
export default class EmulatorScenarioThaw extends EmulatorCommand<{frozen: null}> {
  static override examples = [
    {command: '<%= config.bin %> emulator scenario thaw', description: 'what was held back arrives'},
    {command: '<%= config.bin %> emulator scenario thaw --json', description: 'the same for a script'},
  ]
  static override flags = nameFlag
  static override seeAlso = ['emulator scenario freeze']
  static override summary = 'let frozen connections go on'

  async run(): Promise<{frozen: null}> {
    const {flags} = await this.parse(EmulatorScenarioThaw)
    await (await this.admin(flags.name)).happen({thaw: true})
    this.log('nothing is frozen')
    return {frozen: null}
  }
}
