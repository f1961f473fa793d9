import {string as stringArg} from '@oclif/core/args'
import type {Cgpu} from '@cgpu/core/cgpu'
import {CgpuError} from '@cgpu/core/errors'
import {type JobView, viewOfRecord, viewOfStatus} from '@cgpu/core/job/view'
import {jobsOf} from '@cgpu/core/job/of'
import {runtimeFlag} from '../../flags.ts'
import {JobCommand} from '../../job-command.ts'
import {jobFacts} from '../../render/jobs.ts'

/** Shows one job: how it is, or how it ended and what it took. */
export default class JobShow extends JobCommand<JobView> {
  static override args = {id: stringArg({description: 'id of the job, or a unique beginning of it', required: true})}
  static override examples = [{command: '<%= config.bin %> job show 0mibvu0c4-5f1e0a9b3c', description: 'its state, status, times and peak memory'}]
  static override flags = {...runtimeFlag}
  static override seeAlso = ['job list', 'job logs', 'why']
  static override summary = 'show a job'

  async run(): Promise<JobView> {
    const {args, flags} = await this.parse(JobShow)
    const cgpu = await this.open(flags)
    const job = await this.#look(cgpu, args.id, flags.runtime)
    this.log(jobFacts(job, Date.now()))
    return job
  }

  /** From its machine; where that cannot be asked, what was last known. */
  async #look(cgpu: Cgpu, id: string, runtime: string | undefined): Promise<JobView> {
    try {
      const {session, status, record, runtime: {name}} = await this.openJob(cgpu, id, {runtime})
      await session.close()
      return viewOfStatus(status, name, record, new Date())
    } catch (error) {
      const record = error instanceof CgpuError ? await jobsOf(cgpu).remembered(id).catch(() => undefined) : undefined
      if (!record || !(error instanceof CgpuError)) throw error
      const gone = error.code === 'JOB_LOST' || error.code === 'LOG_GONE'
      if (error.code === 'JOB_NOT_FOUND') this.warn(error.message)
      else if (!gone) this.warn(`${record.runtime.name} could not be asked: ${error.message}`)
      return viewOfRecord(record, gone)
    }
  }
}
