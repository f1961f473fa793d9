import {CgpuError, cgpu, errors, ExitCode, type FollowEvent, type KernelMessage} from '@cgpu/plugin-sdk'
import type {CellResult, NotebookRun} from '../run/run-notebook.ts'
import type {Reporter} from '../run/report.ts'
import {type DriverEvent, DriverEvents, type NumberedEvent} from './events.ts'
import type {FollowedHooks} from './hooks.ts'

type Finished = Extract<DriverEvent, {type: 'finished'}>

/** How a detached run ended. */
export type FollowedRun = FinishedRun | {
  /** what kept it from beginning, or ended its driver */
  failure: CgpuError
  cells: CellResult[]
  late: boolean
}

/** As its driver told. */
export interface FinishedRun {
  failure?: undefined
  run: NotebookRun
  /** it had ended before anybody looked */
  late: boolean
  /** of the job: of an interrupted run, that of the signal */
  exitStatus: number
  runtime: string
  kernel: string
  durationSeconds: number
  limits: {cellTimeout?: string | undefined; timeout?: string | undefined}
}

export interface FollowRunOptions {
  reporter: Reporter
  runtime?: string | undefined
  signal: AbortSignal
  /** a cell is over, and the copy on the runtime is newer */
  onCell: () => void
  /** the last event that there was before this began: up to there they are late */
  knownSeq: number
  hooks?: FollowedHooks | undefined
}

/** Follows a run from its beginning to its end, telling what happens. Throws what `cgpu job attach` does. */
export async function followRun(id: string, {reporter, runtime: named, signal, onCell, knownSeq, hooks}: FollowRunOptions): Promise<FollowedRun> {
  const lines = new DriverEvents()
  const cells: CellResult[] = []
  let runtime = ''
  let started: Extract<DriverEvent, {type: 'started'}> | undefined
  let end: Extract<DriverEvent, {type: 'finished' | 'failed'}> | undefined
  let late = false
  const take = ({event, seq}: NumberedEvent): void => {
    late = seq <= knownSeq
    if (event.type === 'started') {
      started = event
      reporter.started({id, runtime, kernel: event.kernel})
    } else if (event.type === 'begin') {
      reporter.cell(event)
      // it runs, or is over: there is nothing to ask any more
      if (!late) hooks?.begin(event.index, event.position)
    } else if (event.type === 'message') reporter.message(event.index, messageOf(event))
    else if (event.type === 'end') {
      const {result, ...place} = event
      cells.push(result)
      reporter.cell({...place, status: result.status, durationMs: result.durationSeconds * 1000})
      hooks?.end(result, place.position, {late})
      onCell()
    } else end = event
  }
  const jobStatus = await cgpu.follow(id, (event: FollowEvent) => {
    if (event.type === 'started') runtime = event.runtime
    else if (event.type === 'reconnecting') reporter.link('reconnecting', event.reason)
    else if (event.type === 'reconnected') reporter.link('connected', '')
    else if (event.type === 'stdout' && event.encoding === undefined) for (const told of lines.take(event.data)) take(told)
  }, {runtime: named}, {signal})
  if (end?.type === 'failed') return {failure: failureOf(end), cells, late}
  if (!end) {
    const failure = errors.lost(`what ran the notebook on ${runtime} was ended with status ${jobStatus}`, {code: 'OUTCOME_UNKNOWN', category: 'runtime', fix: `see why: cgpu why ${id}; what was executed until then: cgpu notebook fetch ${id}`, details: {id, cells}})
    return {failure, cells, late: false}
  }
  return {run: runOf(end, cells), late, exitStatus: end.exitStatus, runtime, kernel: started?.kernel ?? '', durationSeconds: end.durationSeconds, limits: started?.limits ?? {}}
}

const messageOf = ({kind, content}: Extract<DriverEvent, {type: 'message'}>): KernelMessage => ({channel: 'iopub', type: kind, parent: '', content, metadata: {}, buffers: []})

function runOf({status, exitStatus, stopped, failed, error}: Finished, cells: CellResult[]): NotebookRun {
  const cell = failed === undefined ? undefined : cells.find(({index}) => index === failed)
  return {
    status, exitStatus, cells, ...(cell ? {failed: cell} : {}), ...(stopped ? {stopped} : {}),
    ...(error ? {cause: errors.lost(error.message, {code: error.code, category: 'kernel', fix: error.fix})} : {}),
  }
}

function failureOf({exitStatus, error: {code, message, fix}}: Extract<DriverEvent, {type: 'failed'}>): CgpuError {
  return new CgpuError(message, {code, category: exitStatus >= ExitCode.interrupted ? 'runtime' : 'kernel', exit: exitStatus, fix})
}
