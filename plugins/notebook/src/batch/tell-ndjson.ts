import {randomUUID} from 'node:crypto'
import type {KernelMessage} from '@cgpu/plugin-sdk'
import {NdjsonEncoder} from '@cgpu/plugin-sdk/render'
import {openPlace} from '../addresses/address.ts'
import {isRecord} from '../format/model.ts'
import type {Reporter} from '../run/report.ts'
import type {Outcome, PlannedRun} from './run.ts'
import type {BatchTeller} from './tell.ts'

type Body = Parameters<NdjsonEncoder['line']>[0]

/** `--output ndjson`: the events of all runs in one stream, each with the id of its run; those of the batch have an id of their own. */
export class NdjsonTeller implements BatchTeller {
  readonly #batch = randomUUID()
  readonly #encoder = new NdjsonEncoder({id: ''})
  readonly #ids = new Map<PlannedRun, string>()
  readonly #write: (text: string) => void
  #total = 0
  #done = 0
  #over = false

  constructor(write: (text: string) => void = (text) => void process.stdout.write(text)) {
    this.#write = write
  }

  begun(total: number): void {
    this.#total = total
    this.#tell(this.#batch, {type: 'progress', message: 'running notebooks', done: 0, total})
  }

  reporterOf(run: PlannedRun): Reporter {
    // a second try is another run
    const id = randomUUID()
    this.#ids.set(run, id)
    const tell = (body: Body): void => this.#tell(id, body)
    return {
      started: ({runtime, kernel}) => tell({type: 'started', runtime, kernel, notebook: openPlace(run.notebook), output: openPlace(run.output)}),
      cell: ({type, position, total}) => tell({type: 'progress', message: run.label, detail: `cell ${position} of ${total}`, done: type === 'begin' ? position - 1 : position, total}),
      message: (_cell, message) => {
        const body = outputOf(message)
        if (body) tell(body)
      },
      link: (state, reason) => tell(state === 'reconnecting' ? {type: 'reconnecting', reason} : {type: 'reconnected'}),
      clear() {}, failed() {}, finished() {},
    }
  }

  ended(outcome: Outcome): void {
    const {run, status, reason} = outcome
    this.#done += 1
    if (this.#ids.has(run)) this.#finished(outcome)
    else this.#tell(this.#batch, {type: 'notice', code: status === 'skipped' ? 'RUN_SKIPPED' : 'RUN_NOT_RUN', message: `${run.label}: ${reason ?? status}`})
    this.#tell(this.#batch, {type: 'progress', message: 'running notebooks', done: this.#done, total: this.#total})
  }

  again(outcome: Outcome): void {
    this.#finished(outcome)
    this.note('RUN_AGAIN', `${outcome.run.label} begins again on another runtime`)
  }

  clear(): void {}

  note(code: string, message: string): void {
    this.#tell(this.#batch, {type: 'notice', code, message})
  }

  over({status, exitStatus, durationSeconds, error}: Parameters<BatchTeller['over']>[0]): void {
    if (this.#over) return
    this.#over = true
    this.#tell(this.#batch, {type: 'finished', exitStatus, durationSeconds, status, ...(error ? {error} : {})})
  }

  #finished({run, status, exitStatus, durationSeconds, error}: Outcome): void {
    this.#tell(this.#ids.get(run) ?? this.#batch, {type: 'finished', exitStatus, durationSeconds, status, ...(error ? {error: {code: error.code, message: error.message}} : {})})
  }

  #tell(id: string, body: Body): void {
    this.#encoder.id = id
    this.#write(this.#encoder.line(body))
  }
}

function outputOf({channel, type, content}: KernelMessage): Body | undefined {
  if (channel !== 'iopub') return undefined
  const {name, text, data, metadata} = content
  if (type === 'stream' && typeof text === 'string') return {type: name === 'stderr' ? 'stderr' : 'stdout', data: text}
  if (type !== 'display_data' && type !== 'execute_result' && type !== 'update_display_data') return undefined
  return {type: 'display', kind: type, mime: isRecord(data) ? data : {}, metadata: isRecord(metadata) ? metadata : {}}
}
