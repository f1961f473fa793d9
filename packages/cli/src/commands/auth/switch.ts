import {string} from '@oclif/core/args'
import type {Account} from '@cgpu/core/account'
import {AuthCommand} from '../../auth-command.ts'

/** Makes another account the one that counts. */
export default class AuthSwitch extends AuthCommand<Account> {
  static override args = {account: string({description: 'e-mail address of the account', required: true})}
  static override examples = [
    {command: '<%= config.bin %> auth switch me@example.com', description: 'work with this account from now on'},
    {command: '<%= config.bin %> auth switch me@example.com --json', description: 'the same for a script'},
  ]
  static override seeAlso = ['auth list']
  static override summary = 'switch to another account'

  async run(): Promise<Account> {
    const {args} = await this.parse(AuthSwitch)
    const {accounts} = await this.accounts({})
    const account = await accounts.use(args.account)
    const now = await accounts.current()
    if (now.id !== account.id || process.env['CGPU_TOKEN']) this.warn(`here ${now.email} still counts: ${process.env['CGPU_TOKEN'] ? 'CGPU_TOKEN' : 'the setting "account"'} is stronger`)
    this.log(`switched to ${account.email}`)
    return account
  }
}
