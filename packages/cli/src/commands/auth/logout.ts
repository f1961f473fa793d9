import {string} from '@oclif/core/args'
import {boolean} from '@oclif/core/flags'
import {errors} from '@cgpu/core/errors'
import {withEnv} from '@cgpu/plugin-sdk'
import {AuthCommand, type SignedOut} from '../../auth-command.ts'

/** Signs out: Google forgets the sign-in, and so does this machine. */
export default class AuthLogout extends AuthCommand<SignedOut[]> {
  static override args = {account: string({description: 'e-mail address of the account; default: the active one', required: false})}
  static override examples = [
    {command: '<%= config.bin %> auth logout me@example.com', description: 'sign one account out'},
    {command: '<%= config.bin %> auth logout --all', description: 'sign everybody out'},
  ]
  static override flags = withEnv({all: boolean({summary: 'every account'})})
  static override seeAlso = ['auth login', 'auth list']
  static override summary = 'sign out'

  async run(): Promise<SignedOut[]> {
    const {args, flags} = await this.parse(AuthLogout)
    if (flags.all && args.account !== undefined) throw errors.usage('an account and --all exclude each other', {code: 'USAGE', fix: 'give one of them'})
    const {accounts} = await this.accounts({})
    const abort = this.abortOnSignals()
    try {
      const done = await accounts.signOut({name: args.account, all: flags.all, signal: abort.signal})
      if (done.length === 0) this.notice('nobody was signed in')
      for (const {email, revoked} of done) this.log(revoked ? `signed out ${email}` : `signed out ${email} on this machine`)
      if (process.env['CGPU_TOKEN']) this.warn('CGPU_TOKEN is set, and commands go on using it')
      return done
    } finally {
      abort.dispose()
    }
  }
}
