import {setTimeout as delay} from 'node:timers/promises'
import {errors} from '@cgpu/core/errors'
import {isAlive} from '@cgpu/core/state/process'
import {cannotWrite, errnoOf} from '@cgpu/core/state/write-error'
import {type DaemonProgram, ensureDaemon} from './client.ts'
import {askDaemon, connectDaemon, patienceMs} from './connect.ts'
import {endHung} from './hung.ts'
import {daemonPlace, readDaemonRecord} from './place.ts'
import type {DaemonStatus} from './status.ts'

const startLimitMs = 10_000
const stopLimitMs = 10_000

export type DaemonState = ({state: 'running'} & DaemonStatus) | {state: 'stopped' | 'unresponsive'; why: string; pid?: number}

/** How the daemon is, of whichever build. */
export async function daemonState(dirs: {state: string}): Promise<DaemonState> {
  const greeted = await connectDaemon({state: dirs.state, limitMs: patienceMs})
  if ('wire' in greeted) {
    const answer = await askDaemon(greeted.wire, {t: 'status'})
    greeted.wire.destroy()
    if (answer?.t === 'status') return {state: 'running', ...(answer['status'] as DaemonStatus)} // it has shown that it is ours
  }
  const {record} = greeted
  const why = 'why' in greeted ? greeted.why : 'it does not answer'
  if (!record || !(await isAlive(record.pid, record.startTime))) return {state: 'stopped', why: record ? 'its process is gone' : why}
  return {state: 'unresponsive', why, pid: record.pid}
}

/**
 * Starts it where none of this build runs, and waits until it answers; one that does not is ended and replaced. Throws
 * DAEMON_START_FAILED (72, or 73 where nothing can be written).
 */
export async function startDaemon(dirs: {state: string}, env: NodeJS.ProcessEnv, program: DaemonProgram): Promise<{status: DaemonStatus; started: boolean; replaced?: number}> {
  let problem: unknown
  const start = () => ensureDaemon(dirs, env, program, {start: true, onProblem: (error) => void (problem = error)})
  let before = start()
  let replaced: number | undefined
  let deadline = performance.now() + startLimitMs
  for (;;) {
    const {state, ...status} = await daemonState(dirs)
    if (state === 'running' && 'build' in status && status.build === program.build) return {status, started: before === 'starting', ...(replaced === undefined ? {} : {replaced})}
    // it was about to end
    if (state === 'stopped' && before === 'running') before = start()
    if (state === 'unresponsive' && before === 'running') {
      const record = readDaemonRecord(dirs.state)
      if (typeof record !== 'string' && !(await endHung(dirs.state, record))) throw startFailed(dirs, {pid: record.pid})
      replaced = status.pid
      before = start()
      deadline = performance.now() + startLimitMs
    }
    if (performance.now() > deadline || before === 'none') throw startFailed(dirs, {problem, pid: status.pid})
    await delay(20)
  }
}

/** Ends it and waits until it is gone. What runs on machines goes on there: `running` tells how much. Throws DAEMON_STUCK (72). */
export async function stopDaemon(dirs: {state: string}): Promise<{stopped: boolean; running: number}> {
  const record = readDaemonRecord(dirs.state)
  if (typeof record === 'string' || !(await isAlive(record.pid, record.startTime))) return {stopped: false, running: 0}
  const greeted = await connectDaemon({state: dirs.state, limitMs: patienceMs})
  const answer = 'wire' in greeted ? await askDaemon(greeted.wire, {t: 'stop'}) : undefined
  if (answer?.t !== 'stopping') process.kill(record.pid, 'SIGTERM')
  const deadline = performance.now() + stopLimitMs
  while (await isAlive(record.pid, record.startTime)) {
    if (performance.now() > deadline) {
      throw errors.conflict(`the daemon (process ${record.pid}) does not end`, {code: 'DAEMON_STUCK', fix: `kill -9 ${record.pid}`, details: {pid: record.pid}})
    }
    await delay(20)
  }
  return {stopped: true, running: Number(answer?.['running'] ?? 0)}
}

function startFailed({state}: {state: string}, {problem, pid}: {problem?: unknown; pid?: number | undefined}): Error {
  const {folder, log} = daemonPlace(state)
  const code = 'DAEMON_START_FAILED'
  if (errnoOf(problem) !== undefined) {
    const {message, fix, details} = cannotWrite(pathOf(problem) ?? folder, problem)
    return errors.cannotWrite(`the daemon did not start: ${message}`, {code, fix, ...(details ? {details} : {}), cause: problem})
  }
  const why = problem instanceof Error ? `: ${problem.message}` : pid === undefined ? '' : `: process ${pid} is in its place and does not answer`
  return errors.conflict(`the daemon did not start${why}`, {
    code, category: 'internal', fix: pid === undefined ? `see ${log}, or cgpu daemon start --foreground` : `kill -9 ${pid}`, ...(pid === undefined ? {} : {details: {pid}}),
  })
}

function pathOf(error: unknown): string | undefined {
  const path = error instanceof Error && 'path' in error ? error.path : undefined
  return typeof path === 'string' ? path : undefined
}
