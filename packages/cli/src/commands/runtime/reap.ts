import type {Cgpu} from '@cgpu/core/cgpu'
import type {ReapedRuntime} from '@cgpu/core/runtime/options'
import {endOfSettled, tellEnd} from '../../job-end.ts'
import {WorkCommand} from '../../work-command.ts'

/** Stops what crashed commands left behind. */
export default class RuntimeReap extends WorkCommand<ReapedRuntime[]> {
  static override examples = [
    {command: '<%= config.bin %> runtime reap', description: 'stop leftovers, forget what is gone'},
    {command: '<%= config.bin %> runtime reap --json', description: 'the same for a script'},
  ]
  static override seeAlso = ['runtime list', 'runtime release', 'job list']
  static override summary = 'stop what crashed commands left behind'

  async run(): Promise<ReapedRuntime[]> {
    const {flags} = await this.parse(RuntimeReap)
    const cgpu = await this.open(flags)
    const reaped = [...(await cgpu.runtimes.reap()), ...(await ofJobs(cgpu))]
    for (const one of reaped) this.log(`${one.name ?? `${one.provider} ${one.id}`}: ${one.reason}`)
    if (reaped.length === 0) this.notice('nothing was left behind')
    return reaped
  }
}

/** Of detached jobs that are over, and that nobody waited for: their outputs come, their runtimes go. */
async function ofJobs(cgpu: Cgpu): Promise<ReapedRuntime[]> {
  const [{jobsOf}, {JobTender}] = await Promise.all([import('@cgpu/core/job/of'), import('@cgpu/core/job/tend')])
  const reaped: ReapedRuntime[] = []
  await new JobTender({
    jobs: jobsOf(cgpu), onEvent: () => undefined,
    onFailure: ({id}, error) => cgpu.warn(`the job ${id} could not be seen to: ${error instanceof Error ? error.message : String(error)}`),
    onSettled: async (record, {released, first}, status) => {
      const {id} = record
      if (first) await tellEnd(cgpu, id, endOfSettled(record, status))
      if (released) reaped.push({provider: released.provider, id: released.id, name: released.name, reason: `its job ${id} is over`})
    },
  }).look()
  return reaped
}
