import {stripVTControlCharacters} from 'node:util'
import {type CgpuError, ExitCode} from '@cgpu/core/errors'
import type {ExecutionEvent} from '@cgpu/core/execution/events'
import type {EndFields, EndStatus, SpecFlags} from '@cgpu/core/history/entry'
import {HistoryRedactor, isSecretName} from '@cgpu/core/history/redact'
import {HistoryStore, recordEnd} from '@cgpu/core/history/store'
import {markSelf, type ProcessMark} from '@cgpu/core/state/self'
import {toCgpuError} from '@cgpu/plugin-sdk/lean'
import type {Begun} from './begun.ts'
import {cleanCommand, machineOf, specOf, specOfWish} from './describe.ts'
import {Tail} from './tail.ts'

/** What a command knows at the end. `detached`: the work goes on, its end is told later by `recordEnd`. */
export interface Ended {
  exitStatus?: number
  detached?: boolean
  status?: string
  signal?: string | null
  /** of a job: cancelled, oom, signal */
  reason?: string | undefined
  error?: {name: string; value: string; traceback: readonly string[]}
  durationMs?: number
  kernel?: {name: string}
  stdoutBytes?: number
  stderrBytes?: number
  peakMemoryBytes?: number
  peakGpuMemoryBytes?: number
}

export interface RecorderOptions {
  stateDir: string
  version: string
  onWarning: (message: string) => void
}

type LaterOptions = Omit<RecorderOptions, 'version'>

let self: ProcessMark | undefined

/** What takes milliseconds once (asking /proc, compiling patterns), to be done where nobody waits for it. */
export function prepare(): void {
  self ??= markSelf()
  new HistoryRedactor().text('-')
}

/** Keeps one execution in the history. Nothing here ever fails the command: the first trouble is a warning, and that is all. */
export class Recorder {
  readonly #store: HistoryStore
  readonly #begun: Begun
  readonly #redactor: HistoryRedactor
  readonly #onWarning: (message: string) => void
  readonly #startedAt = performance.now()
  readonly #tails = {stdout: new Tail(), stderr: new Tail()}
  readonly #artifacts: string[] = []
  #cost: EndFields['cost']
  #toldOf: string
  #silent = false

  private constructor(begun: Begun, {stateDir, onWarning}: RecorderOptions) {
    const {env = {}, secrets = {}} = begun
    const named = Object.entries(env).filter(([name]) => isSecretName(name)).map(([, value]) => value)
    this.#redactor = new HistoryRedactor([...Object.values(secrets), ...named], Object.values(env))
    this.#store = new HistoryStore(stateDir)
    this.#begun = begun
    this.#onWarning = onWarning
    this.#toldOf = begun.on?.id ?? ''
  }

  static async begin(begun: Begun, options: RecorderOptions): Promise<Recorder> {
    const recorder = new Recorder(begun, options)
    await recorder.#safely(async () => {
      const {request, packages, requirements, outputs, on} = begun
      const resume = begun.given['resume-cmd']
      const kept = typeof resume === 'string' ? recorder.#redactor.text(resume) : resume
      const given = kept === undefined ? begun.given : {...begun.given, 'resume-cmd': kept}
      const command = await cleanCommand(begun.command, recorder.#redactor)
      await recorder.#store.append({
        id: request.id, at: new Date().toISOString(), t: 'begin', kind: begun.kind ?? request.kind, ...machineOf(on), cwd: begun.cwd ?? process.cwd(),
        command: kept === resume ? command : {...command, redacted: true}, envNames: request.envNames,
        ...(packages?.length ? {packages} : {}), ...(requirements === undefined ? {} : {requirements}), ...(outputs?.length ? {outputs} : {}),
        spec: specIn(begun), ...(Object.keys(given).length > 0 ? {given} : {}),
        version: options.version, process: (self ??= markSelf()),
      })
    })
    return recorder
  }

  /** To be told of every event of the execution. */
  onEvent = (event: ExecutionEvent): void => {
    switch (event.type) {
      case 'stdout':
      case 'stderr':
        return this.#tails[event.type].add(event.data)
      case 'artifact':
        if (this.#artifacts.length < 200) this.#artifacts.push(event.path)
        return
      case 'cost':
        this.#cost = {amount: event.amount, unit: event.unit}
        return
      case 'started':
        void this.#more()
    }
  }

  async ended(result: Ended): Promise<void> {
    if (result.detached) return this.#safely(() => this.#store.append({id: this.#begun.request.id, at: new Date().toISOString(), t: 'more', kind: 'job', detached: true, ...machineOf(this.#begun.on)}))
    await this.#end(endOf({durationMs: performance.now() - this.#startedAt, ...result}, this.#redactor))
  }

  async failed(thrown: unknown): Promise<void> {
    await this.#end(endByError(thrown, performance.now() - this.#startedAt, this.#redactor))
  }

  async #end(end: EndFields): Promise<void> {
    await this.#safely(async () => {
      await this.#more()
      const clean = (text: string, cut: boolean): string => this.#redactor.tail(text, cut)
      const [stdout, stderr] = [this.#tails.stdout.text(clean), this.#tails.stderr.text(clean)]
      await recordEnd(this.#store, this.#begun.request.id, {
        ...end,
        ...(stdout === undefined && stderr === undefined ? {} : {tail: {...(stdout === undefined ? {} : {stdout}), ...(stderr === undefined ? {} : {stderr})}}),
        ...(this.#cost ? {cost: this.#cost} : {}),
        ...(this.#artifacts.length > 0 ? {artifacts: this.#artifacts} : {}),
      })
    })
  }

  /** A machine that was made for the execution, once: should this process be killed, the history knows where it ran. */
  async #more(): Promise<void> {
    const {on, request} = this.#begun
    if (!on || this.#toldOf === on.id) return
    this.#toldOf = on.id
    await this.#safely(() => this.#store.append({id: request.id, at: new Date().toISOString(), t: 'more', ...machineOf(on), spec: specIn(this.#begun)}))
  }

  async #safely(work: () => Promise<void>): Promise<void> {
    if (this.#silent) return
    try {
      await work()
    } catch (error) {
      this.#silent = true
      this.#onWarning(`this execution is not in the history: ${error instanceof Error ? error.message : String(error)}`)
    }
  }
}

function specIn({wish, on}: Begun): SpecFlags {
  if (!on) return wish ? specOfWish(wish) : {}
  const {highRam, image} = wish?.spec ?? {}
  return {...specOf(on), ...(highRam ? {'high-ram': true} : {}), ...(image === undefined ? {} : {image})}
}

const seconds = (ms: number): number => Number((ms / 1000).toFixed(3))

/** The end of a job that another process began, as far as the history knows that job. */
export function recordJobEnd(id: string, result: Ended, options: LaterOptions): Promise<void> {
  return recordLater(id, endOf(result, new HistoryRedactor()), options)
}

/** The same of one that ended by an error of ours. */
export function recordFailure(id: string, thrown: unknown, durationMs: number, options: LaterOptions): Promise<void> {
  return recordLater(id, endByError(thrown, durationMs, new HistoryRedactor()), options)
}

async function recordLater(id: string, end: EndFields, {stateDir, onWarning}: LaterOptions): Promise<void> {
  try {
    await recordEnd(new HistoryStore(stateDir), id, end)
  } catch (error) {
    onWarning(`the end of this job is not in the history: ${error instanceof Error ? error.message : String(error)}`)
  }
}

function endByError(thrown: unknown, durationMs: number, redactor: HistoryRedactor): EndFields {
  const error = toCgpuError(thrown, {command: 'cgpu', flagNames: []})
  const {exit: exitStatus, category, code, message} = error
  return {status: failureOf(error), exitStatus, category, code, message: redactor.text(message), durationSeconds: seconds(durationMs)}
}

function endOf(result: Ended, redactor: HistoryRedactor): EndFields {
  const {error, exitStatus, reason, durationMs = 0, kernel, stdoutBytes, stderrBytes, peakMemoryBytes} = result
  const status = statusOf(result)
  return {
    status,
    ...(exitStatus === undefined ? {} : {exitStatus}),
    ...(status === 'ok' ? {} : status === 'lost' && !error ? {category: 'runtime', code: 'JOB_LOST'} : {
      category: 'code', code: reason === 'cancelled' ? 'CANCELLED' : status === 'interrupted' ? 'INTERRUPTED' : error ? 'CODE_FAILED' : 'PROGRAM_FAILED',
    }),
    ...(error ? {message: redactor.text(`${error.name}: ${error.value}`), traceback: redactor.text(stripVTControlCharacters(error.traceback.join('\n')))} : {}),
    ...(kernel ? {kernel: kernel.name} : {}),
    ...(stdoutBytes === undefined ? {} : {stdoutBytes}),
    ...(stderrBytes === undefined ? {} : {stderrBytes}),
    ...(peakMemoryBytes === undefined ? {} : {peakMemoryBytes}),
    durationSeconds: seconds(durationMs),
  }
}

function statusOf({status, exitStatus, signal, reason}: Ended): EndStatus {
  if (reason === 'cancelled' && exitStatus !== 0) return 'interrupted'
  if (status === 'lost') return status
  if (status === 'ok' || status === 'interrupted' || status === 'error') return exitStatus === 0 ? 'ok' : status
  if (signal === 'SIGINT' || exitStatus === ExitCode.interrupted) return 'interrupted'
  return exitStatus === 0 ? 'ok' : 'error'
}

function failureOf({code, exit}: CgpuError): EndStatus {
  if (code === 'VETOED') return 'vetoed'
  if (exit === ExitCode.interrupted || code === 'INTERRUPTED') return 'interrupted'
  return exit === ExitCode.lost ? 'lost' : 'error'
}
