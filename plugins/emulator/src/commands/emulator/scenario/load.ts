import {resolve} from 'node:path'
import {string} from '@oclif/core/args'
import type {EmulatorStatus} from '@cgpu/emulator'
import {EmulatorCommand, nameFlag} from '../../../emulator-command.ts'

/** Resets an emulator to a scenario. */
export default class EmulatorScenarioLoad extends EmulatorCommand<EmulatorStatus> {
  static override args = {scenario: string({description: 'one that comes with it, or a YAML or JSON file', required: true})}
  static override description = 'Machines end, as with `emulator reset`. docs/emulator.md says what a file may hold.'
  static override examples = [
    {command: '<%= config.bin %> emulator scenario load flaky-network', description: 'see how your program takes a bad network'},
    {command: '<%= config.bin %> emulator scenario load scenario.yaml', description: 'one of your own'},
  ]
  static override flags = nameFlag
  static override summary = 'begin another scenario'

  async run(): Promise<EmulatorStatus> {
    const {args, flags} = await this.parse(EmulatorScenarioLoad)
    const admin = await this.admin(flags.name)
    const status = /^[\w-]+$/.test(args.scenario) ? await admin.load(args.scenario) : await this.#loadFile(admin, args.scenario)
    this.log(`the emulator ${flags.name} is at the start of ${status.scenario}`)
    return status
  }

  async #loadFile(admin: Awaited<ReturnType<typeof this.admin>>, file: string): Promise<EmulatorStatus> {
    const {readScenario} = await import('@cgpu/emulator/scenario/load')
    const {name, input} = await readScenario(resolve(file))
    return admin.load(name, input)
  }
}
