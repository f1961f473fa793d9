import {type AccountStatus, AuthCommand} from '../../auth-command.ts'
import {accountsTable} from '../../render/accounts.ts'

/** Lists the accounts that are signed in. */
export default class AuthList extends AuthCommand<AccountStatus[]> {
  static override examples = [
    {command: '<%= config.bin %> auth list', description: 'who is signed in; * is the one that counts'},
    {command: '<%= config.bin %> auth list --json', description: 'the same for a script'},
  ]
  static override seeAlso = ['auth status', 'auth switch']
  static override summary = 'list accounts'

  async run(): Promise<AccountStatus[]> {
    await this.parse(AuthList)
    const {accounts} = await this.accounts({})
    const all = await accounts.status()
    if (all.length === 0) this.notice('nobody is signed in. sign in: cgpu auth login')
    else this.log(accountsTable(all))
    return all
  }
}
