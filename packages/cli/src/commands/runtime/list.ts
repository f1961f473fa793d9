import type {Runtime} from '@cgpu/core/runtime/record'
import {runtimesTable} from '../../render/runtimes.ts'
import {WorkCommand} from '../../work-command.ts'

/** Lists the runtimes, as their providers see them now. */
export default class RuntimeList extends WorkCommand<Runtime[]> {
  static override aliases = ['ps']
  static override examples = [
    {command: '<%= config.bin %> runtime list', description: 'every runtime, newest first'},
    {command: '<%= config.bin %> ps --json', description: 'the same for a script'},
  ]
  static override summary = 'list runtimes'

  async run(): Promise<Runtime[]> {
    const {flags} = await this.parse(RuntimeList)
    const cgpu = await this.open(flags)
    const runtimes = await cgpu.runtimes.list()
    if (runtimes.length === 0) this.notice('no runtimes. make one: cgpu runtime create')
    else this.log(runtimesTable(runtimes, Date.now()))
    return runtimes
  }
}
