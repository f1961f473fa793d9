import {boolean} from '@oclif/core/flags'
import {withEnv} from '@cgpu/plugin-sdk'
import {runtimeArg} from '../../flags.ts'
import {WorkCommand} from '../../work-command.ts'

/** Where people open a runtime in a browser. */
export default class RuntimeUrl extends WorkCommand<{runtime: string; url: string; opened: boolean}> {
  static override args = {name: runtimeArg}
  static override description = 'The page asks for a sign-in with the account that the runtime belongs to; the address itself grants nothing.'
  static override examples = [
    {command: '<%= config.bin %> runtime url trainer', description: 'print the address'},
    {command: '<%= config.bin %> runtime url trainer --open', description: 'open it'},
  ]
  static override flags = withEnv({open: boolean({summary: 'open it in the browser'})})
  static override summary = 'print where a runtime is in the browser'

  async run(): Promise<{runtime: string; url: string; opened: boolean}> {
    const {args, flags} = await this.parse(RuntimeUrl)
    const cgpu = await this.open(flags)
    const {runtime, url} = await cgpu.runtimes.browserUrl(args.name)
    this.log(url)
    const opened = flags.open && (await (await import('@cgpu/accounts')).openBrowser(url))
    if (flags.open && !opened) this.notice('no browser could be opened here: open the address yourself')
    return {runtime, url, opened}
  }
}
