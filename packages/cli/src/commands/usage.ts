import {string} from '@oclif/core/flags'
import type {Usage as AccountUsage} from '@cgpu/core/provider'
import {withEnv} from '@cgpu/plugin-sdk'
import {usageTable} from '../render/usage.ts'
import {WorkCommand} from '../work-command.ts'

type Result = AccountUsage & {provider: string}

/** Shows the compute units of an account. */
export default class Usage extends WorkCommand<Result> {
  static override description = 'Amounts are compute units. Without a provider in the settings, it is that of the first provider that counts them.'
  static override examples = [
    {command: '<%= config.bin %> usage', description: 'tier, balance, and what all runtimes together cost'},
    {command: '<%= config.bin %> usage --account me@example.com --json', description: 'of another account, for a script'},
  ]
  static override flags = withEnv({provider: string({summary: 'whose units', helpValue: 'ID'})})
  static override seeAlso = ['runtime list', 'runtime accelerators']
  static override summary = 'show compute units and what they are used for'

  async run(): Promise<Result> {
    const {flags} = await this.parse(Usage)
    const cgpu = await this.open(flags)
    const provider = cgpu.settings.get('provider')
    const usage = await cgpu.runtimes.usage(provider?.source === 'default' ? undefined : cgpu.settings.text('provider'))
    this.log(usageTable(usage, Date.now()))
    return usage
  }
}
