import type {ReapedRuntime} from '@cgpu/core/runtime/options'
import {WorkCommand} from '../../work-command.ts'

/** Stops what crashed commands left behind. */
export default class RuntimeReap extends WorkCommand<ReapedRuntime[]> {
  static override examples = [
    {command: '<%= config.bin %> runtime reap', description: 'stop leftovers, forget what is gone'},
    {command: '<%= config.bin %> runtime reap --json', description: 'the same for a script'},
  ]
  static override summary = 'stop what crashed commands left behind'

  async run(): Promise<ReapedRuntime[]> {
    const {flags} = await this.parse(RuntimeReap)
    const cgpu = await this.open(flags)
    const reaped = await cgpu.runtimes.reap()
    for (const one of reaped) this.log(`${one.name ?? `${one.provider} ${one.id}`}: ${one.reason}`)
    if (reaped.length === 0) this.notice('nothing was left behind')
    return reaped
  }
}
