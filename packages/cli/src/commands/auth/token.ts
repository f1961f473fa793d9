import {boolean} from '@oclif/core/flags'
import {errors} from '@cgpu/core/errors'
import {withEnv} from '@cgpu/plugin-sdk'
import {accountFlag, AuthCommand, scopesFlag} from '../../auth-command.ts'

/** Prints an access token, for other tools. */
export default class AuthToken extends AuthCommand<{account: string; token: string}> {
  static override description = 'The token is good for an hour at most. It is not shown on a terminal, where it would stay in the scrollback, unless --show is given.'
  static override examples = [
    {command: '<%= config.bin %> auth token > access-token.txt', description: 'for another tool'},
    {command: '<%= config.bin %> auth token --scopes colaboratory | wc -c', description: 'one that is good for this, or an error'},
  ]
  static override flags = {...accountFlag, ...scopesFlag, ...withEnv({show: boolean({summary: 'also on a terminal'})})}
  static override seeAlso = ['auth status']
  static override summary = 'print an access token'

  async run(): Promise<{account: string; token: string}> {
    const {flags} = await this.parse(AuthToken)
    if (process.stdout.isTTY && !flags.show) {
      throw errors.usage('an access token is not shown on a terminal', {code: 'TOKEN_ON_TERMINAL', fix: 'send it to where it is used (| or >), or add --show'})
    }
    const {accounts, module} = await this.accounts(flags)
    const scopes = module.scopesNamed(flags.scopes ?? [])
    const abort = this.abortOnSignals()
    try {
      const [account, token] = [(await accounts.inspect()).id, await accounts.token({scopes, signal: abort.signal})]
      this.log(token)
      return {account, token}
    } finally {
      abort.dispose()
    }
  }
}
