import type {EmulatorStatus as Status} from '@cgpu/emulator'
import {EmulatorCommand, nameFlag} from '../../emulator-command.ts'
import {statusText} from '../../status-text.ts'

/** Shows what an emulator holds. */
export default class EmulatorStatus extends EmulatorCommand<Status> {
  static override examples = [
    {command: '<%= config.bin %> emulator status', description: 'accounts, runtimes, clock and faults'},
    {command: '<%= config.bin %> emulator status --json', description: 'the same for a script'},
  ]
  static override flags = nameFlag
  static override summary = 'show accounts, runtimes, clock and faults of an emulator'

  async run(): Promise<Status> {
    const {flags} = await this.parse(EmulatorStatus)
    const status = await (await this.admin(flags.name)).status()
    this.log(statusText(status))
    return status
  }
}
