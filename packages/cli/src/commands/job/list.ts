import {option} from '@oclif/core/flags'
import type {JobView} from '@cgpu/core/job/view'
import {jobsOf} from '@cgpu/core/job/of'
import {withEnv} from '@cgpu/plugin-sdk'
import {runtimeFlag} from '../../flags.ts'
import {jobsTable, stateOf} from '../../render/jobs.ts'
import {WorkCommand} from '../../work-command.ts'

/** Lists jobs, newest first. */
export default class JobList extends WorkCommand<JobView[]> {
  static override description = 'Every runtime is asked; of one that cannot be, and of one that is gone, what was last known is shown.'
  static override examples = [
    {command: '<%= config.bin %> job list', description: 'the jobs on every runtime, also those whose cgpu ended'},
    {command: '<%= config.bin %> job list -r trainer --state running', description: 'what runs on trainer'},
  ]
  static override flags = {
    ...runtimeFlag,
    ...withEnv({state: option({options: ['starting', 'running', 'exited', 'cancelled', 'oom', 'lost', 'unknown'] as const, summary: 'only jobs in this state'})()}),
  }
  static override seeAlso = ['job show', 'job logs', 'job wait']
  static override summary = 'list jobs'

  async run(): Promise<JobView[]> {
    const {flags} = await this.parse(JobList)
    const cgpu = await this.open(flags)
    const all = await jobsOf(cgpu).list(flags.runtime)
    const jobs = all.filter((job) => flags.state === undefined || job.state === flags.state || stateOf(job) === flags.state)
    if (jobs.length === 0) this.notice(all.length === 0 ? 'no jobs yet' : `no job is ${flags.state}`)
    else this.log(jobsTable(jobs, Date.now()))
    return jobs
  }
}
