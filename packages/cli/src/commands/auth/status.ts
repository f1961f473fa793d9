import type {GoogleHosts} from '@cgpu/core/google/hosts'
import {CgpuError} from '@cgpu/core/errors'
import {type AccountStatus, accountFlag, AuthCommand} from '../../auth-command.ts'
import {accountDetails} from '../../render/accounts.ts'
import {SignInRecord} from '../../sign-in-record.ts'

export interface AuthStatusResult {
  account: AccountStatus
  /** where its tokens are sent */
  hosts: GoogleHosts
  /** the emulator that stands in for Google */
  emulator: string | null
}

/** Says who is signed in. */
export default class AuthStatus extends AuthCommand<AuthStatusResult> {
  static override description = 'Ends with status 67 when nobody is signed in, or when the account must sign in again: the error tells when a sign-in waits for its person.'
  static override examples = [
    {command: '<%= config.bin %> auth status', description: 'who, what for, and where secrets are kept'},
    {command: '<%= config.bin %> auth status --json', description: 'the same for a script'},
  ]
  static override flags = accountFlag
  static override seeAlso = ['auth list', 'auth login']
  static override summary = 'show who is signed in'

  async run(): Promise<AuthStatusResult> {
    const {flags} = await this.parse(AuthStatus)
    const {accounts, emulator, dirs} = await this.accounts(flags)
    const account = await accounts.inspect().catch(async (error: unknown) => {
      const missing = error instanceof CgpuError && ['SIGN_IN_REQUIRED', 'UNKNOWN_ACCOUNT'].includes(error.code)
      throw (missing ? await new SignInRecord(dirs.state).reason(error.message) : undefined) ?? error
    })
    const result = {account, hosts: accounts.hosts, emulator: emulator ?? null}
    this.log(accountDetails(result, Date.now()))
    return result
  }
}
