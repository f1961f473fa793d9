import {cgpu, CgpuError, ExitCode, type HookHost, sanitizeLine} from '@cgpu/plugin-sdk'
import {isAddress, openPlace} from '../addresses/address.ts'
import type {NotebookRunResult} from '../commands/notebook/run.ts'
import type {Notebook} from '../format/model.ts'
import {isRecord} from '../format/model.ts'
import {endOfFailure, endOfRun} from '../hooks/outcome.ts'
import {failureOf} from '../run/failure.ts'
import {tracebackOf} from '../run/perform.ts'
import type {Reporter} from '../run/report.ts'
import {fetchCopy, isOver} from './copy.ts'
import {destinationOf} from './destination.ts'
import {lastSeqIn} from './events.ts'
import {putFetched} from './fetched.ts'
import {type FinishedRun, followRun} from './follow.ts'
import {FollowedHooks} from './hooks.ts'
import {LatestCopy} from './latest-copy.ts'
import {Leaving} from './leaving.ts'
import type {FoundRun} from './place.ts'
import {remembered} from './remembered.ts'

export interface AttachedResult extends Omit<NotebookRunResult, 'selection'> {
  /** of the job that runs it */
  id: string
}

export interface Attached {
  result: AttachedResult
  /** absent: it succeeded */
  failure?: CgpuError
  /** of the cell that failed, for a terminal */
  traceback: string
  /** the executed copy, as the destination gives it */
  notebook: Notebook
}

export interface AttachOptions {
  reporter: Reporter
  runtime?: string | undefined
  /** asks plugins */
  host: HookHost
}

/** Follows a detached run to its end and keeps its copy here up to date. Throws INTERRUPTED (130) when it was left; it goes on then. */
export async function attach(found: FoundRun, output: string, {reporter, runtime, host}: AttachOptions): Promise<Attached> {
  const {id} = found.job
  const leaving = new Leaving(() => `the notebook goes on on ${found.job.runtime}; follow it again: cgpu notebook attach ${id}`)
  const [known, destination] = await Promise.all([remembered(found.folder), destinationOf(output, host)])
  const hooks = await FollowedHooks.of(host, found.folder, known)
  process.env['CGPU_NOTEBOOK_FOLLOWED'] = id // the command that follows the job leaves telling of the notebook's end to this one
  const knownSeq = hooks ? await toldSoFar(found, runtime) : 0
  const {everyMs} = destination
  const latest = everyMs === undefined ? undefined : new LatestCopy(() => fetchCopy(found, destination, {over: false, signal: leaving.signal}), everyMs)
  try {
    const followed = await followRun(id, {reporter, runtime, signal: leaving.signal, onCell: () => latest?.wanted(), knownSeq, hooks})
    await latest?.end()
    if (followed.failure) {
      await hooks?.ended({...endOfFailure(followed.failure, followed.cells.length), ...lateOf(followed)})
      throw followed.failure
    }
    const told = toldOf(found, output, followed)
    try {
      const notebook = await fetchCopy(found, destination, {over: true, signal: leaving.signal})
      await putFetched(found, output, {patterns: known?.fetch ?? [], onWarning: (message) => void host.warn(message)})
      told.result.parameters = parametersOf(notebook)
      const failure = told.failure?.({...told.result})
      reporter.finished({status: told.result.status, exitStatus: failure?.exit ?? told.result.exitStatus, durationSeconds: told.result.durationSeconds, ...(failure ? {error: {code: failure.code, message: failure.message}} : {})})
      return {result: told.result, ...(failure ? {failure} : {}), traceback: told.traceback, notebook}
    } finally {
      await hooks?.ended({...endOfRun(followed.run, told.failure?.({})), exitStatus: followed.exitStatus, ...lateOf(followed)}, followed.durationSeconds * 1000)
    }
  } catch (error) {
    if (error instanceof CgpuError && error.code === 'JOB_LOST') {
      await hooks?.ended(endOfFailure(error))
      throw known?.request && output !== '-' && !isAddress(output) ? lost(error, known.request.notebook, output) : error
    }
    if (error instanceof CgpuError && error.code === 'LOG_GONE') throw gone(error, id)
    throw error
  } finally {
    reporter.clear()
    leaving.dispose()
    await Promise.all([latest?.end(), hooks?.leave()])
  }
}

/** The number of the last event that the driver has told. */
async function toldSoFar({job: {id, state}}: FoundRun, runtime: string | undefined): Promise<number> {
  if (isOver(state)) return Infinity
  const lines = ['--stream=stdout', '--tail=2', ...(runtime === undefined ? [] : [`--runtime=${runtime}`])]
  // following it will say what is wrong
  const {stdout = ''} = await cgpu.call<{stdout?: string}>(['job', 'logs', id, ...lines, '--quiet']).catch(() => ({stdout: ''}))
  return lastSeqIn(stdout)
}

const lateOf = ({late}: {late: boolean}): {late?: true} => (late ? {late} : {})

function toldOf({job: {id}, notebook}: FoundRun, output: string, {run, exitStatus, runtime, kernel, durationSeconds, limits}: FinishedRun) {
  const result: AttachedResult = {id, notebook, output: openPlace(output), runtime, kernel, status: run.status, exitStatus, durationSeconds, parameters: {}, cells: run.cells}
  const failed = run.status !== 'ok' && run.status !== 'exited'
  return {
    result,
    failure: failed ? (details: Record<string, unknown>) => failureOf(run, {output, cellTimeout: limits.cellTimeout, timeout: limits.timeout, signalStatus: exitStatus, details}) : undefined,
    traceback: run.status === 'error' ? tracebackOf(run) : '',
  }
}

/** As the run was given them: they are kept in the notebook. */
function parametersOf({metadata: {papermill}}: Notebook): Record<string, unknown> {
  return isRecord(papermill) && isRecord(papermill['parameters']) ? papermill['parameters'] : {}
}

/** Its log went with its machine; the copy may be here. */
function gone({message, category}: CgpuError, id: string): CgpuError {
  return new CgpuError(message, {code: 'LOG_GONE', category, exit: ExitCode.notFound, fix: `its copy may have been brought back before: cgpu notebook fetch ${sanitizeLine(id, 80)}`})
}

/** What was executed until then is in the copy, as far as that came here. */
function lost({message, category, details}: CgpuError, notebook: string, output: string): CgpuError {
  const words = `cgpu notebook run ${sanitizeLine(notebook, 200)} --resume --detach -o ${sanitizeLine(output, 200)}`
  return new CgpuError(message, {code: 'JOB_LOST', category, exit: ExitCode.lost, fix: `go on from the copy that came here before: ${words}`, ...(details ? {details} : {})})
}
