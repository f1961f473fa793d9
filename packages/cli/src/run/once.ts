import type {Cgpu} from '@cgpu/core/cgpu'
import {CgpuError} from '@cgpu/core/errors'
import type {OpenJob} from '@cgpu/core/job/jobs'
import {keyMismatch} from '@cgpu/core/job/key'
import {jobsOf} from '@cgpu/core/job/of'
import type {JobRecord} from '@cgpu/core/job/record'

/** What was started with a key before: on its machine, or what is remembered where that is gone. */
export type StartedBefore = {job: OpenJob} | {record: JobRecord}

export interface OnceOptions<R> {
  id: string
  fingerprint: string
  /** the job on its machine */
  open: () => Promise<OpenJob>
  /** starts it, and calls when it is there for others to find */
  start: (placed: () => void) => Promise<R>
}

/** At most once for a key: whoever comes second, also at the same moment, gets the job of the first. Throws IDEMPOTENCY_CONFLICT (72). */
export async function atMostOnce<R>(cgpu: Cgpu, {id, start, ...options}: OnceOptions<R>): Promise<StartedBefore | {result: R}> {
  const {promise: placed, resolve: place} = Promise.withResolvers<void>()
  let running: Promise<R> | undefined
  const before = await jobsOf(cgpu).store.alone(id, async () => {
    const there = await startedBefore(cgpu, {id, ...options})
    if (there) return there
    running = start(place)
    await Promise.race([placed, running.catch(() => undefined)])
    return undefined
  }, {timeoutMs: 30 * 60_000})
  return before ?? {result: await running!}
}

async function startedBefore(cgpu: Cgpu, {id, fingerprint, open}: Pick<OnceOptions<unknown>, 'id' | 'fingerprint' | 'open'>): Promise<StartedBefore | undefined> {
  const record = await jobsOf(cgpu).store.get(id)
  if (!record) return undefined
  if (record.fingerprint !== fingerprint) throw keyMismatch(id)
  return open().then((job) => ({job}), (error: unknown) => {
    const code = error instanceof CgpuError ? error.code : ''
    // what ended before it began was not run: it is started now
    const began = record.remoteCwd !== undefined
    if (code === 'JOB_NOT_FOUND' || (!began && (code === 'JOB_LOST' || code === 'LOG_GONE'))) return undefined
    if (code === 'LOG_GONE') return {record}
    throw error
  })
}
