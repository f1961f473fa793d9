import type {EmulatorStatus} from '@cgpu/emulator'
import {EmulatorCommand, nameFlag} from '../../emulator-command.ts'

/** Puts an emulator back to the beginning of its scenario. */
export default class EmulatorReset extends EmulatorCommand<EmulatorStatus> {
  static override description = 'Machines end, accounts are as the scenario has them, Drive is empty, faults are those of the scenario. The clock goes on, and CGPU_TOKEN stays good.'
  static override examples = [
    {command: '<%= config.bin %> emulator reset', description: 'between two tests'},
    {command: '<%= config.bin %> emulator reset --json', description: 'the same for a script'},
  ]
  static override flags = nameFlag
  static override summary = 'put an emulator back to the beginning of its scenario'

  async run(): Promise<EmulatorStatus> {
    const {flags} = await this.parse(EmulatorReset)
    const status = await (await this.admin(flags.name)).reset()
    this.log(`the emulator ${flags.name} is as at the start of ${status.scenario}`)
    return status
  }
}
