import {boolean, string} from '@oclif/core/flags'
import type {Account} from '@cgpu/core/account'
import {ConfigStore} from '@cgpu/core/config/store'
import {CgpuError} from '@cgpu/core/errors'
import {withEnv} from '@cgpu/plugin-sdk'
import {accountFlag, AuthCommand, scopesFlag} from '../../auth-command.ts'
import {type AuthRequired, signInDetached} from '../../detached-sign-in.ts'
import {type Page, SignInDialog} from '../../sign-in-dialog.ts'
import {SignInRecord} from '../../sign-in-record.ts'

/** Signs in with Google. */
export default class AuthLogin extends AuthCommand<Account | AuthRequired> {
  static override description = [
    ['A page of Google opens in your browser; once you agree there, this command has its answer and ends.',
      'On a machine without a browser open the page elsewhere, and paste the address that the browser ends up at.'],
    ['With --json it does not wait: it prints the page as {"event":"auth_required","url":…,"expiresInSeconds":300}, and a process of its own',
      'waits for the answer. "auth status" then says whether somebody is signed in, still waited for, or why not.',
      'With --json --block the page is a line on stderr, and the account is printed when the sign-in is over.'],
    ['Where nothing else says where runtimes come from, they come from Colab from then on (setting "provider").'],
  ].map((lines) => lines.join(' ')).join('\n\n')
  static override examples = [
    {command: '<%= config.bin %> auth login --client-config client.json', description: 'the first time, with your own OAuth client'},
    {command: '<%= config.bin %> auth login --no-browser', description: 'on a machine without a browser'},
    {command: '<%= config.bin %> auth login --scopes drive', description: 'allow Google Drive as well'},
    {command: '<%= config.bin %> auth login --service-account key.json', description: 'for a server that nobody sits at'},
  ]
  static override flags = {
    ...accountFlag,
    ...withEnv({
      block: boolean({summary: 'with --json: end only when the sign-in is over'}),
      adc: boolean({summary: 'use Application Default Credentials', exclusive: ['service-account']}),
      'client-config': string({summary: 'the JSON file with your own OAuth client', helpValue: 'FILE'}),
      'no-browser': boolean({summary: 'only print the address of the page'}),
      'service-account': string({summary: 'use the key file of a service account', helpValue: 'FILE'}),
    }),
    ...scopesFlag,
  }
  static override seeAlso = ['auth status', 'auth logout', 'auth switch']
  static override summary = 'sign in'

  async run(): Promise<Account | AuthRequired> {
    const {flags} = await this.parse(AuthLogin)
    const page = !flags.adc && flags['service-account'] === undefined
    if (page && this.jsonEnabled() && !flags.block) return signInDetached(this.argv)
    const {accounts, module, clientConfig, settings, dirs} = await this.accounts(flags)
    const scopes = module.scopesNamed(flags.scopes ?? [])
    const abort = this.abortOnSignals()
    const dialog = new SignInDialog({json: this.jsonEnabled(), browser: !flags['no-browser'], open: (url) => module.openBrowser(url, process.env)})
    const record = new SignInRecord(dirs.state)
    let noted = Promise.resolve()
    const onPage = (page: Page): void => {
      // first, so that whoever reads of the page can be told that it is waited for; a note that cannot be written is no reason to stop
      noted = record.waiting(page.url, page.expiresInSeconds).catch(() => undefined).then(() => dialog.show(page))
    }
    try {
      const account = flags.adc ? await accounts.signIn.withAdc(scopes, abort.signal)
        : flags['service-account'] !== undefined ? await accounts.signIn.withServiceAccount(flags['service-account'], scopes, abort.signal)
        : await accounts.signIn.withBrowser({clientConfig, account: flags.account, scopes, onPage, signal: abort.signal})
      await noted
      await record.clear()
      this.log(`signed in as ${account.email}`)
      if (process.env['CGPU_TOKEN']) this.warn('CGPU_TOKEN is set, and commands go on using it')
      if (settings.get('provider')?.source === 'default') await this.#preferColab(dirs.config)
      return account
    } catch (error) {
      await noted
      if (page && error instanceof CgpuError) await record.failed(error).catch(() => undefined)
      throw error
    } finally {
      dialog.close()
      abort.dispose()
    }
  }

  /** Who signs in wants Colab's machines; whoever has chosen a provider keeps it. */
  async #preferColab(configDir: string): Promise<void> {
    await new ConfigStore(configDir).set('provider', 'colab')
    this.notice('new runtimes come from Colab from now on; change that: cgpu config set provider local')
  }
}
