import {CgpuCommand} from '@cgpu/plugin-sdk'
import {table} from '../../../table.ts'

interface ScenarioInfo {
  name: string
  about: string
}

/** Lists the scenarios that come with the emulator. */
export default class EmulatorScenarioList extends CgpuCommand<ScenarioInfo[]> {
  static override examples = [
    {command: '<%= config.bin %> emulator scenario list', description: 'what there is to load'},
    {command: '<%= config.bin %> emulator scenario list --json', description: 'the same for a script'},
  ]
  static override seeAlso = ['emulator scenario load']
  static override summary = 'list the scenarios that come with the emulator'

  async run(): Promise<ScenarioInfo[]> {
    await this.parse(EmulatorScenarioList)
    const {builtInScenarios} = await import('@cgpu/emulator/scenario/built-in')
    const found = Object.entries(builtInScenarios).map(([name, {about = ''}]) => ({name, about}))
    this.log(table(['name', 'what happens'], found.map(({name, about}) => [name, about])))
    return found
  }
}
