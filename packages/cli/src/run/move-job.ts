import type {Cgpu} from '@cgpu/core/cgpu'
import {CgpuError, errors} from '@cgpu/core/errors'
import type {EventListener} from '@cgpu/core/execution/events'
import {planRun} from '@cgpu/core/execution/plan'
import {Run} from '@cgpu/core/execution/run'
import type {JobRecord} from '@cgpu/core/job/record'
import {movesLeft} from '@cgpu/core/job/tend'
import {jobsOf} from '@cgpu/core/job/of'
import {acquireRuntime, type HeldRuntime} from './acquire.ts'
import {runtimeWish} from '../runtime-request.ts'

export interface MoveOptions {
  /** opened with the settings of the job's machine, so that the one in its place is like it */
  cgpu: Cgpu
  /** of this process: values of the job's variables are kept nowhere */
  env: NodeJS.ProcessEnv
  /** values of the job's secrets */
  secrets: (names: string[]) => Promise<Record<string, string>>
  onEvent: EventListener
  signal?: AbortSignal | undefined
}

/**
 * Puts a detached job whose machine was taken away onto another one like it, from its last checkpoint. False when it cannot go on:
 * a variable or secret is not known here, or a file is gone.
 */
export async function moveJob(record: JobRecord, {cgpu, env, secrets, onEvent, signal}: MoveOptions): Promise<boolean> {
  const {restarts, envNames, secretNames, ...request} = record.request
  if (!restarts || envNames.some((name) => env[name] === undefined)) return false
  const values = Object.fromEntries(envNames.map((name) => [name, env[name] ?? '']))
  const plan = await planRun({...request, env: values}).catch(onlyUsersErrors)
  const granted = plan && (await secrets(secretNames).catch(onlyUsersErrors))
  if (!plan || !granted) return false
  const stop = signal ?? new AbortController().signal
  const held = await acquireRuntime(cgpu, {there: undefined, wish: runtimeWish(cgpu)}, {keep: false, signal: stop, onEvent})
  try {
    await begin(held, record, {cgpu, onEvent, signal: stop}, async (session) => new Run(session, {
      id: record.id, plan: {...plan, env: {...values, ...granted}}, onEvent, outputDir: record.outputDir, signal: stop,
      restarts: {...restarts, max: movesLeft(record) - 1}, fingerprint: record.fingerprint, checkpoints: await jobsOf(cgpu).store.checkpoints(record.id),
    }))
    return true
  } finally {
    await held.done(() => undefined)
  }
}

async function begin(
  held: HeldRuntime, record: JobRecord, {cgpu, onEvent, signal}: {cgpu: Cgpu; onEvent: EventListener; signal: AbortSignal},
  make: (session: Awaited<ReturnType<Cgpu['connect']>>) => Promise<Run>,
): Promise<void> {
  const session = await cgpu.connect(held.record, {signal})
  try {
    const {cwd} = await (await make(session)).begin()
    const {id, name, provider} = held.record
    // first: a machine that no record knows of would never be released
    const kept = await jobsOf(cgpu).store.update(record.id, (old) => movedTo(old, {id, name, provider}, cwd))
    if (!kept) throw errors.notFound(`the job ${record.id} was removed while it was moved`, {code: 'JOB_NOT_FOUND', fix: 'cgpu job list'})
    await held.handOver()
    await onEvent({type: 'notice', code: 'JOB_MOVED', message: `${record.runtime.name} was taken away; the job ${record.id} goes on on ${name}`})
  } finally {
    await session.close()
  }
}

/** A file that is missing, a secret that is: told to nobody here, the job counts as lost. */
function onlyUsersErrors(error: unknown): undefined {
  if (error instanceof CgpuError) return undefined
  throw error
}

/** How it was last seen was on the machine that is gone. The new one is made for it, whatever the former one was. */
function movedTo(record: JobRecord, runtime: JobRecord['runtime'], remoteCwd: string): JobRecord {
  const moved: JobRecord = {...record, runtime, remoteCwd, releases: true, moves: (record.moves ?? 0) + 1}
  delete moved.seen
  delete moved.settledAt
  return moved
}
