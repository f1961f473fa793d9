import {abortable} from '@cgpu/core/abortable'
import type {JobStatus} from '@cgpu/core/agent/client'
import type {Cgpu} from '@cgpu/core/cgpu'
import {CgpuError, errors} from '@cgpu/core/errors'
import {withAgent} from '@cgpu/core/execution/follow-log'
import {isFollowed} from '@cgpu/core/job/followed'
import {jobsOf} from '@cgpu/core/job/of'
import {isOver, type JobRecord} from '@cgpu/core/job/record'
import type {RuntimeRecord} from '@cgpu/core/runtime/record'
import {endedOf, tellEnd} from '../job-end.ts'

/** Jobs on machines that are to be released, whose outputs are not here. */
export interface JobsThere {
  /** or may run, as their machine did not answer; or their command is there, and may still fetch outputs */
  running: JobRecord[]
  /** whose end nobody saw to: detached ones, and those whose command was killed */
  over: JobRecord[]
}

export interface BeforeReleaseOptions {
  warn: (message: string) => void
  notice: (message: string) => void
}

/** A machine is asked for so long; one that is slow, or gone, is released all the same. */
const patienceMs = 3_000

/** As the machines tell, where jobs are remembered that nobody has the outputs of. */
export async function jobsOn(cgpu: Cgpu, runtimes: readonly RuntimeRecord[]): Promise<JobsThere> {
  const records = (await jobsOf(cgpu).store.list()).filter(({settledAt, collectedAt}) => settledAt === undefined && collectedAt === undefined)
  const there: JobsThere = {running: [], over: []}
  await Promise.all(runtimes.map(async (runtime) => {
    const mine = records.filter((one) => one.runtime.id === runtime.id)
    if (mine.length === 0) return
    const runs = await askedFor(patienceMs, (signal) => runsOn(cgpu, runtime, signal))
    for (const record of mine) {
      const status = runs?.find(({id}) => id === record.id)
      const followed = isFollowed(record)
      // what it does not know never began, unless somebody is about to begin it
      if (runs && !status && !followed) continue
      there[isOver(status?.state ?? record.seen?.state) && !followed ? 'over' : 'running'].push(record)
    }
  }))
  return there
}

async function runsOn(cgpu: Cgpu, runtime: RuntimeRecord, signal: AbortSignal): Promise<JobStatus[]> {
  const session = await cgpu.connect(runtime, {signal})
  try {
    return await session.guard(() => withAgent(session, (agent) => agent.runs({signal})))
  } finally {
    await session.close()
  }
}

/** Undefined when it fails, or takes longer. */
async function askedFor<T>(ms: number, work: (signal: AbortSignal) => Promise<T>): Promise<T | undefined> {
  const signal = AbortSignal.timeout(ms)
  return abortable(work(signal), signal).catch(() => undefined)
}

/** Their outputs come, and the history learns how they ended. Throws what keeps outputs from being written here. */
export async function bringBack(cgpu: Cgpu, over: readonly JobRecord[], {warn, notice}: BeforeReleaseOptions): Promise<void> {
  const jobs = jobsOf(cgpu)
  for (const {id} of over) {
    try {
      const job = await jobs.open(id)
      try {
        const {first, missing} = await jobs.ends.bringBack(job, (event) => {
          if (event.type === 'artifact') notice(`brought back ${event.path}`)
        })
        for (const pattern of missing) warn(`no file that the run wrote matches the output ${pattern}`)
        if (first) await tellEnd(cgpu, id, endedOf(job.status))
      } finally {
        await job.session.close()
      }
    } catch (error) {
      if (!(error instanceof CgpuError)) throw error
      const {message, code, category, exit, retryable, cause} = error
      if (code === 'LOCK_TIMEOUT') throw errors.conflict(`another process brings the outputs of the job ${id} here just now`, {code: 'JOB_BUSY', retryable: true, fix: `try again when they are there, or give them up: cgpu job rm ${id}`, details: {id}})
      if (category === 'file') throw new CgpuError(message, {code, category, exit, retryable, fix: `mend that, or give up the outputs of ${id}: cgpu job rm ${id}`, cause})
      warn(`the outputs of ${id} could not be brought back: ${message}`)
    }
  }
}
