import {string} from '@oclif/core/flags'
import type {Cgpu} from '@cgpu/core/cgpu'
import {CgpuError, errors} from '@cgpu/core/errors'
import {remoteCode} from '@cgpu/core/agent/problem'
import {withAgent} from '@cgpu/core/execution/follow-log'
import type {OpenJob} from '@cgpu/core/job/jobs'
import {jobsOf} from '@cgpu/core/job/of'
import {untilOver} from '@cgpu/core/job/read-log'
import {isOver, type JobRecord} from '@cgpu/core/job/record'
import {type JobView, viewOfRecord, viewOfStatus} from '@cgpu/core/job/view'
import {withEnv} from '@cgpu/plugin-sdk'
import {runtimeFlag} from '../../flags.ts'
import {endedAsSeen, tellEnd} from '../../job-end.ts'
import {everyOne, JobCommand} from '../../job-command.ts'
import type {CommandSink} from '../../run/stream-command.ts'
import {endOf} from '../../render/jobs.ts'
import {parseTimeLimit} from '@cgpu/core/text/time-limit'

/** Ends jobs: SIGTERM, and SIGKILL for what is still there after a while, to everything that they started. */
export default class JobCancel extends JobCommand<JobView[]> {
  static override description = 'The whole process group gets SIGTERM, and SIGKILL when it is still there after --grace. Its supervisor on the machine does that: it happens also when this command is ended. What the job wrote until then stays. A job that waits for another machine, as its own was taken away, gets none.'
  static override examples = [
    {command: '<%= config.bin %> job cancel 0mibvu0c4-5f1e0a9b3c', description: 'end it, and wait until it is over'},
    {command: '<%= config.bin %> job cancel 0mibvu --grace 2m', description: 'give it two minutes to save its work'},
  ]
  static override flags = {
    ...runtimeFlag,
    ...withEnv({grace: string({summary: 'how long it has before SIGKILL, such as 30s', default: '10s', helpValue: 'TIME'})}),
  }
  static override seeAlso = ['job list', 'job rm']
  static override strict = false
  static override summary = 'end jobs'
  static override usage = 'job cancel ID… [--grace TIME]'

  async run(): Promise<JobView[]> {
    const {argv, flags} = await this.parse(JobCancel)
    if (argv.length === 0) throw errors.usage('cancel which job?', {code: 'JOB_REQUIRED', fix: 'cgpu job cancel ID; see the ids: cgpu job list'})
    const graceSeconds = parseTimeLimit(flags.grace) / 1000
    const cgpu = await this.open(flags)
    const sink = await this.sink({output: undefined, imageDir: '.'})
    const all = everyOne(argv.map((id) => this.#cancel(cgpu, String(id), flags.runtime, graceSeconds, sink)))
    const jobs = await this.interruptible(all, {leave: () => 'they are being ended by their machines all the same'})
    for (const job of jobs) this.log(`${job.id} ${endOf(job)}`)
    return jobs
  }

  async #cancel(cgpu: Cgpu, id: string, runtime: string | undefined, graceSeconds: number, sink: CommandSink): Promise<JobView> {
    const before = await jobsOf(cgpu).remembered(id)
    let job: OpenJob
    try {
      job = await this.openJob(cgpu, id, {runtime, sink})
    } catch (error) {
      const ended = before && error instanceof CgpuError ? await this.#withoutMachine(cgpu, before, error) : undefined
      if (ended) return ended
      // it got another machine just now
      if (!before || (await jobsOf(cgpu).store.get(before.id))?.runtime.id === before.runtime.id) throw error
      job = await this.openJob(cgpu, before.id, {sink})
    }
    const {session} = job
    try {
      if (isOver(job.status.state)) this.warn(`${job.id} was over already`)
      else {
        await session.guard(() => withAgent(session, (agent) => agent.stop(job.id, {graceSeconds}))).catch((error: unknown) => {
          if (remoteCode(error) !== 'NOT_RUNNING') throw error // it ended by itself meanwhile
        })
        await session.guard(() => untilOver(session, job.id))
      }
      const status = await session.guard(() => withAgent(session, (agent) => agent.status(job.id)))
      await this.settle(cgpu, {...job, status}, sink)
      return viewOfStatus(status, job.runtime.name, job.record, new Date())
    } finally {
      await session.close()
    }
  }

  /** Undefined: it is lost, or was put onto another machine meanwhile. */
  async #withoutMachine(cgpu: Cgpu, before: JobRecord, {code}: CgpuError): Promise<JobView | undefined> {
    if (code === 'LOG_GONE') {
      this.warn(`${before.id} was over already`)
      return viewOfRecord((await jobsOf(cgpu).store.get(before.id)) ?? before, true)
    }
    const ended = code === 'JOB_LOST' ? await jobsOf(cgpu).ends.endWaiting(before) : undefined
    if (ended) await tellEnd(cgpu, ended.id, endedAsSeen(ended))
    return ended && viewOfRecord(ended, true)
  }
}
