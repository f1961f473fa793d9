import {string as stringArg} from '@oclif/core/args'
import {boolean, string} from '@oclif/core/flags'
import type {AccountPatch, EmulatorStatus} from '@cgpu/emulator'
import {errors, withEnv} from '@cgpu/plugin-sdk'
import {EmulatorCommand, nameFlag} from '../../../emulator-command.ts'

type Account = EmulatorStatus['accounts'][number]
const tiers = ['free', 'pro', 'pro+'] as const

/** Changes an account of an emulator. */
export default class EmulatorScenarioAccount extends EmulatorCommand<Account> {
  static override args = {email: stringArg({description: 'which account', required: true})}
  static override examples = [
    {command: '<%= config.bin %> emulator scenario account me@example.com --balance 0.5', description: 'let it run out of compute units'},
    {command: '<%= config.bin %> emulator scenario account me@example.com --tier free', description: 'take its plan away'},
  ]
  static override flags = {
    ...nameFlag,
    ...withEnv({
      balance: string({summary: 'paid compute units', helpValue: 'UNITS'}),
      denied: boolean({allowNo: true, summary: 'whether it may use Colab at all'}),
      drive: boolean({allowNo: true, summary: 'whether it lets runtimes use its Drive'}),
      tier: string({options: [...tiers], summary: 'the plan that it has'}),
    }),
  }
  static override summary = 'change an account of an emulator'

  async run(): Promise<Account> {
    const {args, flags} = await this.parse(EmulatorScenarioAccount)
    const {balance, denied, drive, tier} = flags
    const units = balance === undefined ? undefined : Number(balance)
    if (units !== undefined && !(units >= 0 && Number.isFinite(units))) throw errors.usage('--balance is no amount of compute units', {code: 'USAGE', fix: 'give a number such as 12.5'})
    const plan = tiers.find((one) => one === tier)
    const patch: AccountPatch = {
      ...(units === undefined ? {} : {balance: units}), ...(denied === undefined ? {} : {denylisted: denied}),
      ...(drive === undefined ? {} : {consent: {drive}}), ...(plan === undefined ? {} : {tier: plan}),
    }
    if (Object.keys(patch).length === 0) throw errors.usage('nothing to change was given', {code: 'USAGE', fix: 'give --balance, --tier, --denied or --drive'})
    const account = await (await this.admin(flags.name)).setAccount(args.email, patch)
    this.log(`${account.email}: ${account.tier}, ${account.balance} compute units${account.denylisted ? ', denied' : ''}`)
    return account
  }
}
