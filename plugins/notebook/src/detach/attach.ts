import {CgpuError, ExitCode, sanitizeLine} from '@cgpu/plugin-sdk'
import type {NotebookRunResult} from '../commands/notebook/run.ts'
import type {Notebook} from '../format/model.ts'
import {isRecord} from '../format/model.ts'
import {failureOf} from '../run/failure.ts'
import {tracebackOf} from '../run/perform.ts'
import type {Reporter} from '../run/report.ts'
import {fetchCopy} from './copy.ts'
import {followRun} from './follow.ts'
import {LatestCopy} from './latest-copy.ts'
import {Leaving} from './leaving.ts'
import type {FoundRun} from './place.ts'

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
}

/** Follows a detached run to its end and keeps its copy here up to date. Throws INTERRUPTED (130) when it was left; it goes on then. */
export async function attach(found: FoundRun, output: string, {reporter, runtime}: {reporter: Reporter; runtime?: string | undefined}): Promise<Attached> {
  const {id} = found.job
  const leaving = new Leaving(() => `the notebook goes on on ${found.job.runtime}; follow it again: cgpu notebook attach ${id}`)
  const latest = new LatestCopy(() => fetchCopy(found, output, {over: false, signal: leaving.signal}))
  try {
    const followed = await followRun(id, {reporter, runtime, signal: leaving.signal, onCell: () => latest.wanted()})
    await latest.end()
    const notebook = await fetchCopy(found, output, {over: true, signal: leaving.signal})
    return told(found, output, {followed, notebook, reporter})
  } catch (error) {
    if (error instanceof CgpuError && error.code === 'LOG_GONE') throw gone(error, id)
    throw error
  } finally {
    reporter.clear()
    leaving.dispose()
    await latest.end()
  }
}

function told({job: {id}, notebook: name}: FoundRun, output: string, {followed, notebook, reporter}: {followed: Awaited<ReturnType<typeof followRun>>; notebook: Notebook; reporter: Reporter}): Attached {
  const {run, exitStatus, runtime, kernel, durationSeconds, limits} = followed
  const result: AttachedResult = {id, notebook: name, output, runtime, kernel, status: run.status, exitStatus, durationSeconds, parameters: parametersOf(notebook), cells: run.cells}
  const failed = run.status !== 'ok' && run.status !== 'exited'
  const failure = failed ? failureOf(run, {output, cellTimeout: limits.cellTimeout, timeout: limits.timeout, signalStatus: exitStatus, details: {...result}}) : undefined
  reporter.finished({status: run.status, exitStatus: failure?.exit ?? exitStatus, durationSeconds, ...(failure ? {error: {code: failure.code, message: failure.message}} : {})})
  return {result, ...(failure ? {failure} : {}), traceback: run.status === 'error' ? tracebackOf(run) : ''}
}

/** As the run was given them: they are kept in the notebook. */
function parametersOf({metadata: {papermill}}: Notebook): Record<string, unknown> {
  return isRecord(papermill) && isRecord(papermill['parameters']) ? papermill['parameters'] : {}
}

/** Its log went with its machine; the copy may be here. */
function gone({message, category}: CgpuError, id: string): CgpuError {
  return new CgpuError(message, {code: 'LOG_GONE', category, exit: ExitCode.notFound, fix: `its copy may have been brought back before: cgpu notebook fetch ${sanitizeLine(id, 80)}`})
}
