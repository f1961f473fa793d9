import {type KernelMessage, sanitizeLine} from '@cgpu/plugin-sdk'
import {isLively, Progress, ProgressLines, style, TerminalFilter} from '@cgpu/plugin-sdk/render'
import type {Reporter} from '../run/report.ts'
import type {CellEvent} from '../run/run-notebook.ts'
import {type Outcome, type PlannedRun, succeeded} from './run.ts'
import type {BatchTeller} from './tell.ts'

/** For people, on stderr: a line that moves for each notebook that runs, and one that stays for each that is over. With `log`, what cells print goes to stdout, each line behind its run's label. */
export class TextTeller implements BatchTeller {
  readonly #lines: ProgressLines
  readonly #overall: Progress
  readonly #quiet: boolean
  readonly #log: boolean
  #total = 0
  #done = 0

  constructor({quiet, log}: {quiet: boolean; log: boolean}) {
    this.#lines = new ProgressLines({quiet})
    // lines that move say it themselves
    this.#overall = new Progress({quiet: quiet || this.#lines.lively})
    this.#quiet = quiet
    this.#log = log
  }

  begun(total: number): void {
    this.#total = total
    this.#overall.show({message: 'running notebooks', done: 0, total})
  }

  reporterOf(run: PlannedRun): Reporter {
    const printer = this.#log ? new LinePrinter(sanitizeLine(run.label, 120), () => this.#lines.clear()) : undefined
    return new RunLine(run, this.#lines, printer)
  }

  ended(outcome: Outcome): void {
    const {run, error, traceback, reason} = outcome
    this.#lines.end(String(run.n))
    this.#done += 1
    if (!this.#quiet) {
      const good = succeeded(outcome)
      const word = style(outcome.status.padEnd(8), good ? 'green' : 'red', isLively(process.stderr))
      const why = error ? `: ${error.message}` : reason === undefined ? '' : `: ${reason}`
      this.#lines.print(`${word} ${sanitizeLine(`${run.label}${why}`, 600)}`)
      if (traceback !== '') process.stderr.write(traceback)
    }
    this.#overall.show({message: 'running notebooks', done: this.#done, total: this.#total})
  }

  again({run, error}: Outcome): void {
    this.#lines.end(String(run.n))
    this.note('', `${run.label} begins again on another runtime: ${error?.message ?? 'its own was lost'}`)
  }

  clear(): void {
    this.#lines.clear()
  }

  note(_code: string, message: string): void {
    if (!this.#quiet) this.#lines.print(sanitizeLine(message, 600))
  }

  over(): void {
    this.#lines.done()
    this.#overall.done()
  }
}

/** The line of one run. */
class RunLine implements Reporter {
  readonly #key: string
  readonly #label: string
  readonly #lines: ProgressLines
  readonly #printer: LinePrinter | undefined
  #where = ''
  #place = {done: 0, total: 0}
  #line = ''

  constructor({n, label}: PlannedRun, lines: ProgressLines, printer: LinePrinter | undefined) {
    this.#key = String(n)
    this.#label = label
    this.#lines = lines
    this.#printer = printer
  }

  started({runtime}: {runtime: string}): void {
    this.#where = `on ${runtime}`
    this.#show('started')
  }

  cell({type, position, total}: CellEvent): void {
    this.#place = {done: type === 'begin' ? position - 1 : position, total}
    if (type === 'begin') this.#line = ''
    this.#show(`cell ${position} of ${total}`)
  }

  message(_cell: number, {channel, type, content}: KernelMessage): void {
    if (channel !== 'iopub' || type !== 'stream' || typeof content['text'] !== 'string') return
    const {text} = content
    if (this.#printer) return this.#printer.write(text)
    this.#line = text.slice(-2000).split(/[\r\n]/).findLast((line) => line.trim() !== '') ?? this.#line
    this.#show(`cell ${Math.min(this.#place.done + 1, this.#place.total)} of ${this.#place.total}`)
  }

  link(state: 'reconnecting' | 'connected', reason: string): void {
    this.#show(state === 'reconnecting' ? `reconnecting (${reason})` : 'connected again')
  }

  clear(): void {
    this.#printer?.end()
  }

  failed(): void {}

  finished(): void {}

  #show(what: string): void {
    this.#lines.show(this.#key, {message: this.#label, detail: [what, this.#where, this.#line].filter((one) => one !== '').join(', '), ...this.#place})
  }
}

/** Whole lines only: those of other runs come in between. */
class LinePrinter {
  readonly #prefix: string
  readonly #before: () => void
  readonly #filter = process.stdout.isTTY ? new TerminalFilter() : undefined
  #held = ''

  constructor(label: string, before: () => void) {
    this.#prefix = `${label} | `
    this.#before = before
  }

  write(text: string): void {
    const lines = (this.#held + (this.#filter?.write(text) ?? text)).split('\n')
    this.#held = lines.pop() ?? ''
    if (lines.length > 0) this.#print(lines)
  }

  end(): void {
    const rest = this.#held + (this.#filter?.end() ?? '')
    this.#held = ''
    if (rest !== '') this.#print([rest])
  }

  #print(lines: readonly string[]): void {
    this.#before()
    process.stdout.write(lines.map((line) => `${this.#prefix}${line}\n`).join(''))
  }
}
