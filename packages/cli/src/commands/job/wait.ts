import {string} from '@oclif/core/flags'
import type {Cgpu} from '@cgpu/core/cgpu'
import {abortable} from '@cgpu/core/abortable'
import {CgpuError, errors} from '@cgpu/core/errors'
import type {OpenJob} from '@cgpu/core/job/jobs'
import {isOver} from '@cgpu/core/job/record'
import {type JobView, viewOfRecord, viewOfStatus} from '@cgpu/core/job/view'
import {withAgent} from '@cgpu/core/execution/follow-log'
import {untilOver} from '@cgpu/core/job/read-log'
import {formatDuration} from '@cgpu/core/text/format'
import {jobsOf} from '@cgpu/core/job/of'
import {withEnv} from '@cgpu/plugin-sdk'
import {runtimeFlag} from '../../flags.ts'
import {everyOne, JobCommand} from '../../job-command.ts'
import type {CommandSink} from '../../run/stream-command.ts'
import {endOf} from '../../render/jobs.ts'
import {parseTimeLimit} from '@cgpu/core/text/time-limit'

/** Waits until jobs are over, and ends as they did. */
export default class JobWait extends JobCommand<JobView[]> {
  static override description = 'Shows none of the output (cgpu job attach does), brings back the outputs of each job, and releases the runtimes that were made for them.\n\nExit status: that of the first job which failed, else 0; 124 when --timeout came first: the jobs go on.'
  static override examples = [
    {command: '<%= config.bin %> job wait 0mibvu0c4-5f1e0a9b3c', description: 'until it is over'},
    {command: '<%= config.bin %> job wait 0mibvu 0mibvz --timeout 2h', description: 'two of them, for two hours at most'},
  ]
  static override flags = {
    ...runtimeFlag,
    ...withEnv({timeout: string({summary: 'wait for no longer, such as 90s, 10m, 2h', helpValue: 'TIME'})}),
  }
  static override seeAlso = ['job attach', 'job list']
  static override strict = false
  static override summary = 'wait for jobs to end'
  static override usage = 'job wait ID… [--timeout TIME]'

  async run(): Promise<JobView[]> {
    const {argv, flags} = await this.parse(JobWait)
    const ids = argv.map(String)
    if (ids.length === 0) throw errors.usage('wait for which job?', {code: 'JOB_REQUIRED', fix: 'cgpu job wait ID; see the ids: cgpu job list'})
    const timeoutMs = flags.timeout === undefined ? undefined : parseTimeLimit(flags.timeout)
    const cgpu = await this.open(flags)
    const stop = new AbortController()
    const late = timeoutMs === undefined ? undefined : setTimeout(() => stop.abort(stillRunning(ids, timeoutMs)), timeoutMs)
    try {
      const sink = await this.sink({output: undefined, imageDir: '.'})
      const all = everyOne(ids.map((id) => this.wherever(cgpu, id, {sink, signal: stop.signal}, (moved) => this.#wait(cgpu, id, moved ? undefined : flags.runtime, sink, stop.signal))))
      const jobs = await this.interruptible(all, {leave: () => 'the jobs go on'})
      return this.#finish(jobs)
    } finally {
      clearTimeout(late)
      stop.abort()
    }
  }

  async #wait(cgpu: Cgpu, id: string, runtime: string | undefined, sink: CommandSink, signal: AbortSignal): Promise<JobView> {
    const known = await jobsOf(cgpu).remembered(id)
    // of what ended, and was brought back, everything is known
    if (known && isOver(known.seen?.state) && known.settledAt !== undefined) return viewOfRecord(known, false)
    const opening = this.openJob(cgpu, id, {runtime, sink})
    let job: OpenJob
    try {
      job = await abortable(opening, signal)
    } catch (error) {
      opening.then(({session}) => session.close(), () => undefined)
      const now = known && error instanceof CgpuError && error.code === 'LOG_GONE' ? await jobsOf(cgpu).store.get(known.id) : undefined
      // the daemon saw the end, and gives the machine back just now
      if (now?.seen?.state === 'exited' && now.collectedAt !== undefined) return viewOfRecord(now, false)
      throw error
    }
    const {session} = job
    try {
      await session.guard(() => untilOver(session, job.id, signal))
      const status = await session.guard(() => withAgent(session, (agent) => agent.status(job.id)))
      await this.settle(cgpu, {...job, status}, sink)
      return viewOfStatus(status, job.runtime.name, job.record, new Date())
    } finally {
      await session.close()
    }
  }

  #finish(jobs: JobView[]): JobView[] {
    const lost = jobs.find(({state}) => state === 'lost')
    for (const job of jobs) if (job !== lost) this.log(`${job.id} ${endOf(job)}`)
    if (lost) throw errors.lost(`the job ${lost.id} ${lost.reason === 'cancelled' ? 'was ended with its machine' : 'vanished while it ran'}`, {code: 'JOB_LOST', fix: `cgpu why ${lost.id}; run it again: cgpu job retry ${lost.id}`, details: {jobs}})
    const failed = jobs.find(({exitStatus}) => exitStatus !== 0)
    if (failed && this.jsonEnabled()) this.failWith(failed.exitStatus ?? 1, `the job ${failed.id} ended with status ${failed.exitStatus}`, 'PROGRAM_FAILED', {jobs})
    this.exitWith(failed?.exitStatus ?? 0)
    return jobs
  }
}

function stillRunning(ids: readonly string[], ms: number): Error {
  return errors.stillRunning(`not over after ${formatDuration(ms)}; ${ids.length === 1 ? 'the job goes on' : 'the jobs go on'}`, {
    code: 'STILL_RUNNING', fix: `cgpu job wait ${ids.join(' ')}`, details: {ids},
  })
}
