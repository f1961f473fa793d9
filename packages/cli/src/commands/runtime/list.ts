import type {Runtime} from '@cgpu/core/runtime/record'
import {sameAccount} from '@cgpu/core/runtime/options'
import {runtimesTable} from '../../render/runtimes.ts'
import {WorkCommand} from '../../work-command.ts'

/** Lists the runtimes, as their providers see them now. */
export default class RuntimeList extends WorkCommand<Runtime[]> {
  static override aliases = ['ps']
  static override description = 'Also those that were opened in a browser: they are marked, used only when they are named, and released only by name. cgpu runtime adopt makes one of them yours here. With --account, only what belongs to that account.'
  static override examples = [
    {command: '<%= config.bin %> runtime list', description: 'every runtime, newest first'},
    {command: '<%= config.bin %> ps --json', description: 'the same for a script'},
  ]
  static override summary = 'list runtimes'

  async run(): Promise<Runtime[]> {
    const {flags} = await this.parse(RuntimeList)
    const cgpu = await this.open(flags)
    const account = cgpu.settings.get('account')
    // an account that a file names is the one to work with, not a filter
    const only = account?.source === 'flag' || account?.source === 'environment' ? cgpu.settings.text('account') : undefined
    const runtimes = (await cgpu.runtimes.list()).filter((one) => only === undefined || (one.account !== undefined && sameAccount(one.account, only)))
    if (runtimes.length === 0) this.notice('no runtimes. make one: cgpu runtime create')
    else this.log(runtimesTable(runtimes, Date.now()))
    return runtimes
  }
}
