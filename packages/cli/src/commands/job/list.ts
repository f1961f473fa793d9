import type {JobStatus} from '@cgpu/core/agent/client'
import {formatRelative} from '@cgpu/core/text/format'
import {sanitizeLine} from '@cgpu/core/text/line'
import {runtimeFlag} from '../../flags.ts'
import {table} from '../../render/table.ts'
import {WorkCommand} from '../../work-command.ts'

/** Lists the jobs of a runtime, newest first. */
export default class JobList extends WorkCommand<JobStatus[]> {
  static override examples = [{command: '<%= config.bin %> job list -r trainer', description: 'the jobs on trainer, also those whose cgpu ended'}]
  static override flags = {...runtimeFlag}
  static override summary = 'list the jobs of a runtime'

  async run(): Promise<JobStatus[]> {
    const {flags} = await this.parse(JobList)
    const cgpu = await this.open(flags)
    const session = await cgpu.connect(await cgpu.runtimes.select(flags.runtime))
    try {
      const jobs = await (await session.agent()).runs()
      if (jobs.length === 0) this.notice('no jobs on this runtime yet')
      else {
        this.log(table(['id', 'state', 'status', 'started'], jobs.map((job) => [
          sanitizeLine(job.id), sanitizeLine(job.state), job.exitCode === null ? '' : String(job.exitCode),
          job.startedAt === null ? '' : formatRelative(job.startedAt * 1000, Date.now()),
        ])))
      }
      return jobs
    } finally {
      await session.close()
    }
  }
}
