import type {GoogleHosts} from '@cgpu/core/google/hosts'
import {type AccountStatus, accountFlag, AuthCommand} from '../../auth-command.ts'
import {accountDetails} from '../../render/accounts.ts'

export interface AuthStatusResult {
  account: AccountStatus
  /** where its tokens are sent */
  hosts: GoogleHosts
  /** the emulator that stands in for Google */
  emulator: string | null
}

/** Says who is signed in. */
export default class AuthStatus extends AuthCommand<AuthStatusResult> {
  static override description = 'Ends with status 67 when nobody is signed in, or when the account must sign in again.'
  static override examples = [
    {command: '<%= config.bin %> auth status', description: 'who, what for, and where secrets are kept'},
    {command: '<%= config.bin %> auth status --json', description: 'the same for a script'},
  ]
  static override flags = accountFlag
  static override seeAlso = ['auth list', 'auth login']
  static override summary = 'show who is signed in'

  async run(): Promise<AuthStatusResult> {
    const {flags} = await this.parse(AuthStatus)
    const {accounts, emulator} = await this.accounts(flags)
    const account = await accounts.inspect()
    const result = {account, hosts: accounts.hosts, emulator: emulator ?? null}
    this.log(accountDetails(result, Date.now()))
    return result
  }
}
