import {string} from '@oclif/core/args'
import type {EmulatorStatus} from '@cgpu/emulator'
import {EmulatorCommand, nameFlag} from '../../../emulator-command.ts'

/** Moves an emulator's clock ahead. */
export default class EmulatorScenarioAdvance extends EmulatorCommand<EmulatorStatus['clock']> {
  static override args = {by: string({description: 'how far, such as 90s, 61m or 2h', required: true})}
  static override description = 'What falls due meanwhile happens at once: tokens expire, balances fall, idle machines are taken away.'
  static override examples = [
    {command: '<%= config.bin %> emulator scenario advance 61m', description: 'an hour and a minute later: proxy tokens have expired'},
    {command: '<%= config.bin %> emulator scenario advance 24h --json', description: 'a day, for a script'},
  ]
  static override flags = nameFlag
  static override summary = 'move the clock of an emulator ahead'

  async run(): Promise<EmulatorStatus['clock']> {
    const {args, flags} = await this.parse(EmulatorScenarioAdvance)
    const clock = await (await this.admin(flags.name)).advance(args.by)
    this.log(`it is ${clock.now} on the emulator ${flags.name}`)
    return clock
  }
}
