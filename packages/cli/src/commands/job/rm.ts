import {boolean} from '@oclif/core/flags'
import type {Cgpu} from '@cgpu/core/cgpu'
import {CgpuError, errors} from '@cgpu/core/errors'
import {remoteCode} from '@cgpu/core/agent/problem'
import {withAgent} from '@cgpu/core/execution/follow-log'
import type {JobStatus} from '@cgpu/core/agent/client'
import {isFollowed, isUnseen} from '@cgpu/core/job/followed'
import {isOver, type JobRecord} from '@cgpu/core/job/record'
import {jobsOf} from '@cgpu/core/job/of'
import {withEnv} from '@cgpu/plugin-sdk'
import {runtimeFlag} from '../../flags.ts'
import {endOfSettled, tellEnd} from '../../job-end.ts'
import {JobCommand} from '../../job-command.ts'
import {ownTrouble} from '../../run/forget-runtime.ts'

/** Removes jobs that are over, with their logs. */
export default class JobRm extends JobCommand<{id: string; runtime: string}[]> {
  static override description = 'Their logs on the machine go, and what is remembered here. History keeps that they ran. A job whose machine cannot be asked stays: it may run. With --force it is forgotten here all the same; its machine keeps what it has.'
  static override examples = [
    {command: '<%= config.bin %> job rm 0mibvu0c4-5f1e0a9b3c', description: 'remove one that is over'},
    {command: '<%= config.bin %> job rm 0mibvu0c4-5f1e0a9b3c --force', description: 'forget one whose emulator or server is no more'},
  ]
  static override flags = {
    ...runtimeFlag,
    ...withEnv({force: boolean({env: 'CGPU_JOB_RM_FORCE', char: 'f', summary: 'forget it also where its machine cannot be asked; it may still run there'})}),
  }
  static override seeAlso = ['job cancel', 'job list']
  static override strict = false
  static override summary = 'remove jobs that are over'
  static override usage = 'job rm ID… [--force]'

  async run(): Promise<{id: string; runtime: string}[]> {
    const {argv, flags} = await this.parse(JobRm)
    if (argv.length === 0) throw errors.usage('remove which job?', {code: 'JOB_REQUIRED', fix: 'cgpu job rm ID; see the ids: cgpu job list'})
    const cgpu = await this.open(flags)
    const removed: {id: string; runtime: string}[] = []
    for (const id of argv) {
      const one = await this.#remove(cgpu, String(id), flags.runtime).catch((error: unknown) => {
        if (flags.force && error instanceof CgpuError && !clear.includes(error.code)) return this.#forget(cgpu, String(id), error)
        throw error
      })
      removed.push(one)
      this.log(`removed ${one.id}`)
    }
    return removed
  }

  async #remove(cgpu: Cgpu, id: string, runtime: string | undefined): Promise<{id: string; runtime: string}> {
    try {
      const job = await this.openJob(cgpu, id, {runtime})
      const {session, status, runtime: {name}} = job
      try {
        if (!isOver(status.state)) throw stillRuns(job.id)
        await session.guard(() => withAgent(session, (agent) => agent.remove(job.id))).catch((error: unknown) => {
          throw remoteCode(error) === 'RUNNING' ? stillRuns(job.id) : error
        })
        if (job.record?.releases && job.record.settledAt === undefined) this.warn(`${name} was made for it and is still there; release it: cgpu runtime release ${name}`)
      } finally {
        await session.close()
      }
      if (job.record) await this.#tellEnd(cgpu, job.record, status)
      await jobsOf(cgpu).store.remove(job.id)
      return {id: job.id, runtime: name}
    } catch (error) {
      const known = error instanceof CgpuError && (error.code === 'JOB_LOST' || error.code === 'LOG_GONE' || error.code === 'JOB_NOT_FOUND') ? await jobsOf(cgpu).remembered(id) : undefined
      if (!known) throw error
      await this.#tellEnd(cgpu, known)
      await jobsOf(cgpu).store.remove(known.id)
      return {id: known.id, runtime: known.runtime.name}
    }
  }

  /** Of a job whose machine cannot be asked: only what is remembered here goes. */
  async #forget(cgpu: Cgpu, query: string, why: CgpuError): Promise<{id: string; runtime: string}> {
    const jobs = jobsOf(cgpu)
    const record = await jobs.remembered(query)
    if (!record) throw why
    const {id, runtime: {name}, seen, releases, settledAt, starter} = record
    if (isFollowed(record)) throw errors.conflict(`the job ${id} is followed by process ${starter?.pid}`, {code: 'JOB_RUNNING', fix: `end that first: kill ${starter?.pid}`, details: {id}})
    const over = isOver(seen?.state)
    // of one that may run no end is told: nobody knows it
    if (over) await this.#tellEnd(cgpu, record)
    await jobs.store.remove(id)
    const goesOn = over ? `its log stays on ${name}` : `where ${name} is still there it goes on, and nobody brings its outputs`
    const machine = releases && settledAt === undefined ? `; ${name} was made for it and is not released: cgpu runtime release ${name} --force forgets that, too` : ''
    this.warn(`${why.message}; ${id} is only forgotten here: ${goesOn}${machine}`)
    return {id, runtime: name}
  }

  /** Of a job that nobody looked at: nobody else can do so later. */
  async #tellEnd(cgpu: Cgpu, record: JobRecord, status?: JobStatus): Promise<void> {
    if (isUnseen(record)) await tellEnd(cgpu, record.id, endOfSettled(record, status))
  }
}

/** What was meant, that it runs, or what is the matter here is known: nothing is forced then. */
const clear: readonly string[] = ['INVALID_ID', 'AMBIGUOUS', 'NOT_FOUND', 'JOB_RUNNING', ...ownTrouble]

function stillRuns(id: string): CgpuError {
  return errors.conflict(`the job ${id} is still running`, {code: 'JOB_RUNNING', fix: `cgpu job cancel ${id}`, details: {id}})
}
