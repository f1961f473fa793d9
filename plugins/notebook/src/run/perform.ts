import {randomUUID} from 'node:crypto'
import {CgpuError, type KernelRequest, type KernelWork, type OwnKernel} from '@cgpu/plugin-sdk'
import {isLively, TerminalFilter} from '@cgpu/plugin-sdk/render'
import type {Again, Selected} from '../again/again.ts'
import {RunRecord} from '../again/record.ts'
import {recording} from '../again/recording.ts'
import {notebookChunks} from '../format/write.ts'
import {languageOf} from '../parameters/said-language.ts'
import {failureOf} from './failure.ts'
import {addMarkers} from './markers.ts'
import type {Prepared} from './prepare.ts'
import type {Reporter} from './report.ts'
import {executable, NotebookExecution, type NotebookRun, type RunOptions} from './run-notebook.ts'
import {type CopySaver, Saver} from './save.ts'
import {type Interrupts, Signals} from './signals.ts'
import {StdinAnswers} from './stdin-lines.ts'
import type {Travel} from '../travel/travel.ts'

export interface PerformOptions extends Prepared {
  /** `-`: nothing is written, `chunks` give the copy */
  output: string
  /** absent: all that is selected runs, on a kernel of its own */
  again?: Again | undefined
  /** of other plugins, where one of them listens */
  cellHooks?: Pick<RunOptions, 'beforeCell' | 'afterCell'> | undefined
  /** keeps the copy of an output that is an address */
  remote?: {saver: (notebook: Prepared['notebook']) => Promise<CopySaver>} | undefined
  /** what goes to the runtime before, and comes back after it */
  travel?: Travel | undefined
  cellTimeoutMs: number | undefined
  timeoutMs: number | undefined
  startTimeoutMs: number
  reporter: Reporter
  /** what the history does again */
  given?: KernelRequest['notebook']
  flags: {
    runtime?: string | undefined
    account?: string | undefined
    kernel?: string | undefined
    cwd?: string | undefined
    secret?: string[] | undefined
    'allow-errors'?: boolean
    'allow-error-names'?: string[] | undefined
    'skip-tag': string
    'cell-timeout'?: string | undefined
    timeout?: string | undefined
    stdin?: boolean
    timing: boolean
    'error-markers': boolean
  }
  warn: (message: string) => void
  notice: (message: string) => void
  /** who interrupts it; default: the signals of this process */
  signals?: Interrupts
  /** before the copy is written the last time */
  onEnded?: ((run: NotebookRun) => void) | undefined
  withKernel: <R extends KernelWork>(request: KernelRequest, work: (kernel: OwnKernel) => Promise<R>) => Promise<R>
}

export interface Performed {
  result: Pick<NotebookRun, 'status' | 'exitStatus' | 'cells'> & {runtime: string; kernel: string; durationSeconds: number; selection?: Selected[]}
  /** absent: it succeeded */
  failure?: (details: Record<string, unknown>) => CgpuError
  /** of the cell that failed, for a terminal */
  traceback: string
  /** the executed copy */
  chunks: () => Iterable<string>
}

/** Runs a prepared notebook on a kernel of its own, telling how it goes, and writes the executed copy whatever happens. */
export async function perform(options: PerformOptions): Promise<Performed> {
  const {notebook, output, reporter, flags, warn, notice, again} = options
  const saver = output === '-' ? undefined : await (options.remote ? options.remote.saver(notebook) : Saver.open(output, notebook, {original: options.given?.file === output}))
  let saved = false
  const signals = options.signals ?? new Signals(notice)
  const answers = flags.stdin ? new StdinAnswers() : undefined
  const started = performance.now()
  const {kernel: said} = languageOf(notebook)
  const selected = options.selected && new Set(notebook.cells.flatMap(({id}, index) => (options.selected?.has(id) ? [index] : [])))
  const runOptions = {
    allowErrors: flags['allow-errors'] ? (true as const) : (flags['allow-error-names'] ?? []).flatMap((names) => names.split(',')),
    skipTag: flags['skip-tag'], timing: flags.timing, cellTimeoutMs: options.cellTimeoutMs, timeoutMs: options.timeoutMs, selected,
  }
  const skipped: Selected[] = []
  try {
    if (again?.idle) return await withoutRunning(again, {notebook, saver, reporter, onEnded: options.onEnded, durationSeconds: () => (performance.now() - started) / 1000})
    const request: KernelRequest = {
      runtime: flags.runtime, account: flags.account, kernel: flags.kernel ?? said, cwd: flags.cwd, startTimeoutMs: options.startTimeoutMs, secrets: flags.secret ?? [], notebook: options.given,
      keep: again?.keep,
      code: executable(notebook, {...runOptions, selected: again?.mayRun ?? selected}).map(({cell}) => cell.source).join('\n\n'),
      signal: signals.starting, ...(options.travel ? {before: async ({name}) => options.travel?.send(name, signals.starting)} : {}), onLink: (state, reason) => reporter.link(state, reason),
    }
    let unfetched: unknown
    const {run, runtime, kernel} = await options.withKernel(request, async (opened) => {
      notebook.metadata['kernelspec'] = {...(notebook.metadata['kernelspec'] as object | undefined), ...kernelspecOf(notebook.metadata['kernelspec'], opened)}
      const due = {...runOptions, selected: (await again?.decide(opened)) ?? selected}
      reporter.started({id: randomUUID(), runtime: opened.runtime.name, kernel: opened.name})
      const record = new RunRecord(notebook, again?.recordFor(opened))
      record.due(executable(notebook, due).map(({cell}) => cell))
      // until here the copy was that of an earlier run
      saver?.changed('cell')
      const recorded = recording(record, notebook)
      const execution = new NotebookExecution(notebook, opened, {
        ...due, ...options.cellHooks,
        onCell: (event) => {
          recorded.cell(event)
          reporter.cell(event)
        },
        onMessage: (cell, message) => {
          recorded.message(cell, message)
          reporter.message(cell, message)
        },
        onSkip: (index, reason) => {
          reporter.clear()
          notice(`cell ${index + 1}: skipped, ${reason}`)
          skipped.push({index, id: notebook.cells[index]?.id ?? '', runs: false, reason})
        },
        onChange: (when) => saver?.changed(when),
        onWarning: warn,
        ...(answers ? {onInput: async (prompt: string) => (reporter.clear(), answers.next(prompt))} : {}),
      })
      signals.running(execution)
      const ran = await execution.run()
      await options.travel?.fetch(opened.runtime.name).catch((error: unknown) => (unfetched = error))
      recorded.ended(ran, skipped.length > 0 ? undefined : again?.selection.length ? again.after : due.selected ? undefined : [])
      reporter.clear()
      await again?.ended(ran, opened)
      return {run: ran, exitStatus: ran.exitStatus, ...(ran.cause ? {lost: ran.cause} : {}), runtime: opened.runtime.name, kernel: opened.name}
    })
    if (run.failed && flags['error-markers'] && run.status === 'error') addMarkers(notebook, run.failed.id)
    options.onEnded?.(run)
    saver?.changed('cell')
    saved = true
    await saver?.finish()
    const durationSeconds = (performance.now() - started) / 1000
    const failed = run.status !== 'ok' && run.status !== 'exited'
    if (unfetched !== undefined && !failed) throw unfetched
    if (unfetched !== undefined) warn(told(unfetched))
    const failure = (details: Record<string, unknown>) => failureOf(run, {output, cellTimeout: flags['cell-timeout'], timeout: flags.timeout, signalStatus: signals.exitStatus, details})
    const error = failed ? failure({}) : undefined
    reporter.finished({status: run.status, exitStatus: error?.exit ?? run.exitStatus, durationSeconds, ...(error ? {error: {code: error.code, message: error.message}} : {})})
    return {
      result: {status: run.status, exitStatus: error?.exit ?? run.exitStatus, cells: run.cells, runtime, kernel, durationSeconds, ...selectionOf(again, skipped)},
      ...(failed ? {failure} : {}),
      traceback: run.status === 'error' ? tracebackOf(run) : '',
      chunks: () => notebookChunks(notebook),
    }
  } finally {
    reporter.clear()
    answers?.close()
    signals.dispose()
    // what broke on the way, a lost machine for one, leaves what was executed until then
    await saver?.finish().catch((error: unknown) => (saved ? undefined : warn(told(error))))
  }
}

/** Nothing has to run: the copy is what it was, with what changed beside the code. */
export async function withoutRunning(again: Again, {notebook, saver, reporter, onEnded, durationSeconds}: Pick<PerformOptions, 'notebook' | 'reporter' | 'onEnded'> & {saver: CopySaver | undefined; durationSeconds: () => number}): Promise<Performed> {
  await again.decide()
  onEnded?.({status: 'ok', exitStatus: 0, cells: []})
  saver?.changed('cell')
  await saver?.finish()
  reporter.finished({status: 'ok', exitStatus: 0, durationSeconds: durationSeconds()})
  const {kernel = ''} = languageOf(notebook)
  return {result: {status: 'ok', exitStatus: 0, cells: [], runtime: '', kernel, durationSeconds: durationSeconds(), ...selectionOf(again, [])}, traceback: '', chunks: () => notebookChunks(notebook)}
}

/** Absent: everything ran. */
function selectionOf(again: Again | undefined, skipped: readonly Selected[]): {selection?: Selected[]} {
  const left = (again?.selection ?? []).map((one) => skipped.find(({index}) => index === one.index) ?? one)
  const selection = left.length > 0 ? left : [...skipped]
  return selection.length > 0 ? {selection} : {}
}

const told = (error: unknown): string => (error instanceof CgpuError ? `${error.message}${error.fix === undefined ? '' : `; ${error.fix}`}` : String(error))

/** What the copy says of its kernel: what it said before, where that ran it. */
function kernelspecOf(before: unknown, {name, language}: OwnKernel): object {
  const known = typeof before === 'object' && before !== null && 'name' in before && before.name === name
  return known ? {} : {name, language, display_name: name}
}

/** Of the cell that failed, for a terminal. */
export function tracebackOf({failed}: Pick<NotebookRun, 'failed'>): string {
  const lines = failed?.error?.traceback ?? []
  const filter = new TerminalFilter()
  const text = filter.write(lines.join('\n')) + filter.end()
  return lines.length === 0 ? '' : `${isLively(process.stderr) ? text : text.replaceAll(/\u001B\[[0-9;]*m/g, '')}\n`
}
