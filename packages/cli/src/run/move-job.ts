import type {Cgpu} from '@cgpu/core/cgpu'
import {CgpuError, errors, withDetails} from '@cgpu/core/errors'
import type {EventListener} from '@cgpu/core/execution/events'
import {planRun} from '@cgpu/core/execution/plan'
import {Run, type RunOptions} from '@cgpu/core/execution/run'
import {isFollowed} from '@cgpu/core/job/followed'
import type {Jobs} from '@cgpu/core/job/jobs'
import {isWhereItWas, jobOver, movedTo, movesLeft, refuseMove} from '@cgpu/core/job/movable'
import {jobsOf} from '@cgpu/core/job/of'
import {commandOf, isOver, type JobRecord} from '@cgpu/core/job/record'
import {type ExecutionRequest, type HookHost, withExecution} from '@cgpu/plugin-sdk'
import {runtimeWish} from '../runtime-request.ts'
import {acquireRuntime, type HeldRuntime} from './acquire.ts'
import {addVariables} from './job-variables.ts'

export interface MoveOptions {
  /** opened with the settings of the job's machine, so that the one in its place is like it */
  cgpu: Cgpu
  /** asks the plugins */
  host: HookHost
  /** variables of the job that were given; the rest is looked for in the environment */
  env: Record<string, string>
  /** values of the job's secrets */
  secrets: (names: string[]) => Promise<Record<string, string>>
  onEvent: EventListener
  /** told when a machine is released that came to nothing */
  say: (line: string) => void
  signal: AbortSignal
}

/** A job that goes on on another machine. */
export interface MovedJob {
  id: string
  /** the machine that is gone, and the one in its place */
  from: string
  runtime: string
  state: 'running'
  exitStatus: null
  /** its runtime is released when it is over */
  releases: true
  restartsLeft: number
}

/** another mover may take minutes; who settles a job, or looks at it, does not */
const patienceMs = 2_000

/**
 * Puts a job whose machine is gone onto another one like it, from its last checkpoint. One process at a time does so, and nothing is made
 * before it is certain that the job can go on. Where it never can, the error's details say `final`.
 */
export async function moveJob(id: string, options: MoveOptions): Promise<MovedJob> {
  const {cgpu, host, signal} = options
  const {store} = jobsOf(cgpu)
  let alone = false
  return store.alone(id, async () => {
    alone = true
    const record = await withoutMachine(jobsOf(cgpu), id, signal)
    const ready = await prepare(record, options)
    const {plan} = ready
    const execution: ExecutionRequest = {
      id, kind: 'run', argv: commandOf(record.request), envNames: Object.keys(plan.env), runtime: {id: '', name: '', provider: record.spec.provider},
    }
    const place = (env: Record<string, string>): Promise<MovedJob> => onAnother(record, {...ready, plan: {...plan, env}}, execution, options)
    // it is left running: how it ends is not known here
    return forGood(() => withExecution(host, execution, plan.env, place, () => undefined), ({code}) => code === 'VETOED')
  }, {timeoutMs: patienceMs, signal}).catch((error: unknown) => {
    throw !alone && error instanceof CgpuError && error.code === 'LOCK_TIMEOUT' ? isBusy(id) : error
  })
}

/** What is remembered of it, now that nobody else moves it. Throws JOB_RUNNING, JOB_OVER (72) and as `refuseMove` and `Jobs.open` do. */
async function withoutMachine(jobs: Jobs, id: string, signal: AbortSignal): Promise<JobRecord> {
  const record = await jobs.store.get(id)
  if (!record) throw wasRemoved(id)
  if (isFollowed(record)) throw errors.conflict(`the job ${id} is followed by process ${record.starter?.pid}, which moves it itself`, {code: 'JOB_RUNNING', fix: `cgpu job show ${id}`, details: {id}})
  const there = await jobs.open(id, {signal}).catch((error: unknown) => {
    if (error instanceof CgpuError && (error.code === 'JOB_LOST' || error.code === 'LOG_GONE')) return undefined
    throw error
  })
  await there?.session.close()
  if (there) throw isOver(there.status.state) ? jobOver(record) : errors.conflict(`the job ${id} goes on on ${there.runtime.name}`, {code: 'JOB_RUNNING', fix: `cgpu job attach ${id}`, details: {id, runtime: there.runtime.name}})
  await forGood(async () => refuseMove(record))
  return record
}

type Ready = Pick<RunOptions, 'plan' | 'restarts' | 'checkpoints'> & {variables: Record<string, string>}

/** Everything of the job that is here. */
async function prepare(record: JobRecord, {cgpu, env, secrets}: MoveOptions): Promise<Ready> {
  const {restarts, envNames: _, secretNames, ...request} = record.request
  const variables = {...env}
  const plan = await forGood(async () => {
    addVariables(record, variables, 'move')
    return planRun({...request, env: variables})
  })
  // a keyring that is locked may be opened
  const granted = await forGood(() => secrets(secretNames), ({code}) => code === 'SECRET_NOT_FOUND' || code === 'SECRET_SOURCE_UNKNOWN')
  return {
    variables, plan: {...plan, env: {...variables, ...granted}}, checkpoints: await jobsOf(cgpu).store.checkpoints(record.id),
    ...(restarts ? {restarts: {...restarts, max: leftAfter(record)}} : {}),
  }
}

async function onAnother(record: JobRecord, ready: Ready, execution: ExecutionRequest, {cgpu, onEvent, say, signal}: MoveOptions): Promise<MovedJob> {
  const held = await acquireRuntime(cgpu, {there: undefined, wish: runtimeWish(cgpu)}, {keep: false, signal, onEvent})
  const {id, name, provider} = held.record
  execution.runtime = {id, name, provider}
  try {
    signal.throwIfAborted()
    await withMachine(() => begin(held, record, ready, {cgpu, onEvent, signal}))
    return {id: record.id, from: record.runtime.name, runtime: name, state: 'running', exitStatus: null, releases: true, restartsLeft: leftAfter(record)}
  } finally {
    await held.done(say)
  }
}

async function begin(held: HeldRuntime, record: JobRecord, {variables, ...ready}: Ready, {cgpu, onEvent, signal}: Pick<MoveOptions, 'cgpu' | 'onEvent' | 'signal'>): Promise<void> {
  const {id, outputDir, fingerprint} = record
  const session = await cgpu.connect(held.record, {signal})
  try {
    const {cwd} = await new Run(session, {...ready, id, outputDir, fingerprint, onEvent, signal, ...(record.stdin === 'open' ? {stdin: 'open'} : {})}).begin()
    const {id: runtimeId, name, provider} = held.record
    const next = {remoteCwd: cwd, envNames: Object.keys(variables), realm: held.record.account === undefined ? undefined : (cgpu.realms.here ?? undefined)}
    // first: a machine that no record knows of would never be released
    const kept = await jobsOf(cgpu).store.update(id, (old) => (isWhereItWas(old, record) ? movedTo(old, {id: runtimeId, name, provider}, next) : undefined))
    if (!kept) throw wasRemoved(id)
    if (kept.runtime.id !== runtimeId) throw jobOver(record)
    await held.handOver()
  } finally {
    await session.close()
  }
}

/** Tries that came to nothing may have used up more than there were. */
function leftAfter(record: JobRecord): number {
  return Math.max(0, movesLeft(record) - 1)
}

/** Of errors that stay whatever is tried later: says so to whoever would try. */
function forGood<T>(work: () => Promise<T>, which?: (error: CgpuError) => boolean): Promise<T> {
  return saying({final: true}, work, which)
}

/** Of a machine that was made and came to nothing: whoever tries by itself counts those. */
function withMachine<T>(work: () => Promise<T>): Promise<T> {
  return saying({hadMachine: true}, work)
}

async function saying<T>(more: Record<string, unknown>, work: () => Promise<T>, which: (error: CgpuError) => boolean = () => true): Promise<T> {
  try {
    return await work()
  } catch (error) {
    throw error instanceof CgpuError && which(error) ? withDetails(error, more) : error
  }
}

function wasRemoved(id: string): CgpuError {
  return errors.notFound(`the job ${id} was removed`, {code: 'JOB_NOT_FOUND', fix: 'cgpu job list', details: {id}})
}

function isBusy(id: string): CgpuError {
  return errors.conflict(`another process moves the job ${id}, or settles it`, {code: 'JOB_BUSY', retryable: true, fix: `see where it is then: cgpu job show ${id}`, details: {id}})
}
