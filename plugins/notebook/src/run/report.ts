import {CgpuError, ExitCode, type KernelMessage} from '@cgpu/plugin-sdk'
import {NdjsonEncoder, Progress, TerminalFilter} from '@cgpu/plugin-sdk/render'
import {isRecord} from '../format/model.ts'
import type {CellEvent, NotebookRun} from './run-notebook.ts'

/** Tells how a run goes. */
export interface Reporter {
  started(about: {id: string; runtime: string; kernel: string}): void
  cell(event: CellEvent): void
  message(cell: number, message: KernelMessage): void
  /** it was left running, where that is news */
  detached?(about: {id: string; runtime: string}): void
  /** the connection to the machine */
  link(state: 'reconnecting' | 'connected', reason: string): void
  /** before anything else is written to the terminal */
  clear(): void
  /** the command failed; where `finished` was told before, there is nothing to add */
  failed(error: unknown): void
  finished(end: {status: NotebookRun['status']; exitStatus: number; durationSeconds: number; error?: {code: string; message: string}}): void
}

/** For people, on stderr: which cell of how many, for how long, and the last line that it printed. With `log`, outputs go to stdout as they come. */
export class TextReporter implements Reporter {
  readonly #progress: Progress
  readonly #log: boolean
  readonly #filters = {stdout: new TerminalFilter(), stderr: new TerminalFilter()}
  #at = ''
  #done = 0
  #total = 0
  #started = 0
  #line = ''

  constructor({quiet, log}: {quiet: boolean; log: boolean}) {
    this.#progress = new Progress({quiet})
    this.#log = log
  }

  started({runtime, kernel}: {runtime: string; kernel: string}): void {
    this.#progress.show({message: `running on ${runtime}, kernel ${kernel}`, done: 0, total: 1})
  }

  cell(event: CellEvent): void {
    if (event.type === 'begin') {
      this.#at = `cell ${event.position} of ${event.total}`
      this.#done = event.position - 1
      this.#total = event.total
      this.#started = performance.now()
      this.#line = ''
    } else this.#done = event.position
    this.#show()
  }

  message(_cell: number, {channel, type, content}: KernelMessage): void {
    if (channel !== 'iopub') return
    const {name, text} = content
    if (type !== 'stream' || typeof text !== 'string') return
    if (this.#log) {
      this.#progress.clear()
      const stream = name === 'stderr' ? 'stderr' : 'stdout'
      process[stream].write(process[stream].isTTY ? this.#filters[stream].write(text) : text)
      return
    }
    this.#line = text.slice(-2000).split(/[\r\n]/).findLast((line) => line.trim() !== '') ?? this.#line
    this.#show()
  }

  link(state: 'reconnecting' | 'connected', reason: string): void {
    this.#progress.show({message: state === 'reconnecting' ? `the connection was lost (${reason}); reconnecting` : 'the connection is back'})
  }

  clear(): void {
    this.#progress.done()
  }

  failed(): void {
    this.#progress.done()
  }

  finished(): void {
    this.#progress.done()
  }

  #show(): void {
    const seconds = Math.round((performance.now() - this.#started) / 1000)
    const detail = [this.#at, ...(seconds >= 1 ? [`${seconds} s`] : []), ...(this.#line === '' ? [] : [this.#line])].join(', ')
    this.#progress.show({message: 'running the notebook', detail, done: this.#done, total: this.#total})
  }
}

/** `--output ndjson`: an event a line on stdout, in the shapes of `cgpu schema events`. */
export class NdjsonReporter implements Reporter {
  readonly #encoder = new NdjsonEncoder({id: ''})
  readonly #openedAt = performance.now()
  #over = false

  started({id, runtime, kernel}: {id: string; runtime: string; kernel: string}): void {
    this.#write(this.#encoder.encode({type: 'started', id, runtime, kernel}))
  }

  detached({id, runtime}: {id: string; runtime: string}): void {
    this.#write(this.#encoder.encode({type: 'started', id, runtime}))
    this.#over = true
    this.#write(this.#encoder.line({type: 'finished', exitStatus: 0, durationSeconds: (performance.now() - this.#openedAt) / 1000, status: 'detached'}))
  }

  cell(event: CellEvent): void {
    const {position, total} = event
    this.#write(this.#encoder.encode({type: 'progress', message: 'running the notebook', detail: `cell ${position} of ${total}`, done: event.type === 'begin' ? position - 1 : position, total}))
  }

  message(_cell: number, {channel, type, content}: KernelMessage): void {
    if (channel !== 'iopub') return
    const {name, text, data, metadata} = content
    if (type === 'stream' && typeof text === 'string') this.#write(this.#encoder.encode({type: name === 'stderr' ? 'stderr' : 'stdout', data: text}))
    if (type === 'display_data' || type === 'execute_result' || type === 'update_display_data') {
      this.#write(this.#encoder.encode({type: 'display', display: {kind: type, data: isRecord(data) ? data : {}, metadata: isRecord(metadata) ? metadata : {}}}))
    }
  }

  link(state: 'reconnecting' | 'connected', reason: string): void {
    this.#write(this.#encoder.encode(state === 'reconnecting' ? {type: 'reconnecting', reason} : {type: 'reconnected'}))
  }

  clear(): void {}

  failed(error: unknown): void {
    const {code, message, exit} = error instanceof CgpuError ? error : {code: 'INTERNAL', message: String(error), exit: ExitCode.internal}
    this.finished({status: code === 'INTERRUPTED' ? 'interrupted' : 'error', exitStatus: exit, durationSeconds: (performance.now() - this.#openedAt) / 1000, error: {code, message}})
  }

  finished({status, exitStatus, durationSeconds, error}: Parameters<Reporter['finished']>[0]): void {
    if (this.#over) return
    this.#over = true
    this.#write(this.#encoder.flush())
    this.#write(this.#encoder.line({
      type: 'finished', exitStatus, durationSeconds, status: status === 'exited' ? 'ok' : status === 'lost' ? 'error' : status, ...(error ? {error} : {}),
    }))
  }

  #write(text: string): void {
    if (text !== '') process.stdout.write(text)
  }
}

/** `--json`: nothing until the result. */
export const silentReporter: Reporter = {started() {}, cell() {}, message() {}, link() {}, clear() {}, failed() {}, finished() {}}

/** As the flags ask for. `printsCopy`: stdout is for the copy */
export function reporterFor(flags: {output?: string | undefined; 'log-output'?: boolean}, {json, quiet, printsCopy = false}: {json: boolean; quiet: boolean; printsCopy?: boolean}): Reporter {
  if (json) return silentReporter
  if (flags.output === 'ndjson') return new NdjsonReporter()
  return new TextReporter({quiet, log: flags['log-output'] === true && !printsCopy})
}
