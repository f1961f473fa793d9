import {string} from '@oclif/core/flags'
import type {Cgpu} from '@cgpu/core/cgpu'
import {CgpuError, errors} from '@cgpu/core/errors'
import {Execution} from '@cgpu/core/execution/exec'
import type {EventListener, ExecutionEvent} from '@cgpu/core/execution/events'
import {newRunId} from '@cgpu/core/execution/id'
import type {KernelHost} from '@cgpu/core/provider'
import type {RuntimeRecord} from '@cgpu/core/runtime/record'
import type {RuntimeSession} from '@cgpu/core/runtime/session'
import {agreeOnHooks, type ExecutionRequest, withEnv, withExecution} from '@cgpu/plugin-sdk'
import {startDaemonLater} from './daemon/start-later.ts'
import {outputFlag} from './flags.ts'
import {begunExec} from './history/begun.ts'
import {isLively} from './render/terminal.ts'
import type {AnswerInput, CellEnd, Talk, Target} from './repl/talk.ts'
import {type ExecResult, finishExec} from './run/exec-result.ts'
import {kernelHost, refuseSecrets} from './run/kernel-host.ts'
import {StreamCommand} from './run/stream-command.ts'
import {secretFlag} from './secret-flag.ts'

/** With --json: what every cell did. */
export interface ReplResult {
  runtime: string
  cells: ExecResult[]
}

export const replFlags = {
  ...outputFlag,
  ...secretFlag,
  ...withEnv({'output-dir': string({summary: 'where images are saved; default: the current folder', helpValue: 'DIR'})}),
}

export interface ReplFlags {
  [name: string]: unknown
  output?: string | undefined
  secret?: string[] | undefined
  'output-dir'?: string | undefined
}

export interface Conversation {
  cgpu: Cgpu
  record: RuntimeRecord
  flags: ReplFlags
  /** asked when the session is open */
  target: (session: RuntimeSession) => Promise<Target>
  /** shows what the kernel prints for others */
  watch: boolean
}

interface Granted {
  host: KernelHost | undefined
  secrets: Record<string, string>
}

interface Work extends Pick<Conversation, 'cgpu' | 'record' | 'flags'> {
  session: RuntimeSession
  granted: Granted
}

/** nobody has typed for so long: the machine need not be kept for this session */
const idleMs = 15 * 60_000

/** The base of commands that talk to a kernel, one cell after the other over one connection. */
export abstract class ReplCommand extends StreamCommand<ReplResult> {
  readonly #cells: ExecResult[] = []
  #usedAt = Date.now()
  /** of what the kernel prints: the terminal's line is not at its beginning */
  #midLine = false
  /** of the cell that runs: where its events go, and how it is interrupted */
  #event: EventListener | undefined
  #interrupt: () => void = () => undefined
  /** around what a cell writes, and around whoever else reads from the terminal */
  #output: ((write: () => void | Promise<void>) => void | Promise<void>) | undefined
  #lend: <T>(work: () => Promise<T>) => Promise<T> = (work) => work()

  protected override get carriesCode(): boolean {
    return true
  }

  /** Talks until the input is over, or until it is left. */
  protected async converse({cgpu, record, flags, target, watch}: Conversation): Promise<ReplResult> {
    const person = process.stdin.isTTY && process.stderr.isTTY
    const forPrograms = this.jsonEnabled() || flags.output === 'ndjson'
    if (person && forPrograms) throw errors.usage('JSON tells what code from stdin did, and stdin is a terminal', {code: 'NO_CODE', fix: 'cgpu repl --json < FILE'})
    await agreeOnHooks(this)
    const granted = await this.#granted(cgpu, flags, person)
    let talk: Talk | undefined
    let say: (line: string) => void = (line) => this.notice(line)
    const session = await cgpu.connect(record, {
      keepsAlive: () => talk?.running === true || Date.now() - this.#usedAt < idleMs,
      onLink: (state, reason) => {
        if (talk?.running) return void this.#event?.(state === 'reconnecting' ? {type: 'reconnecting', reason} : {type: 'reconnected'})
        say(state === 'reconnecting' ? `connection lost (${reason}); reconnecting` : 'connected again')
        if (state === 'connected') talk?.linked()
      },
    })
    try {
      refuseSecrets(flags.secret ?? [], session)
      const [{Talk}, {Conversing}] = await Promise.all([import('./repl/talk.ts'), import('./repl/conversing.ts')])
      const conversing = new Conversing({person, colour: isLively(process.stderr), imageDir: flags['output-dir'] ?? '.', stateDir: cgpu.dirs.state, remembers: cgpu.settings.on('history'), quiet: this.quiet || forPrograms})
      say = (line) => conversing.say(line)
      this.#lend = (work) => conversing.lend(work)
      if (person) this.#output = (write) => conversing.output(write, () => this.#freshLine())
      talk = new Talk({
        session,
        target: await target(session),
        run: (code, chosen, onInput) => this.#cell({cgpu, record, flags, session, granted}, code, chosen, onInput),
        notice: (line) => conversing.say(line),
        warn: (line) => (person ? conversing.say(`warning: ${line}`) : void this.warn(line)),
        print: (text) => (forPrograms ? undefined : void process.stdout.write(text)),
        ...(person ? {edit: (text) => conversing.lend(async () => (await import('./repl/compose.ts')).compose(text))} : {}),
        ...(watch ? {onOther: (other) => conversing.other(other)} : {}),
      })
      const {kernel} = await talk.open()
      if (person) this.notice(`${talk.name} (${kernel.name}) on ${record.name}; :help, and Ctrl-D leaves`)
      const status = await conversing.run(talk, record.name, {
        interrupt: () => this.#interrupt(),
        used: () => (this.#usedAt = Date.now()),
        freshLine: () => this.#freshLine(),
      })
      if (status !== 0) this.exitWith(status)
      return {runtime: record.name, cells: this.#cells}
    } finally {
      talk?.close()
      await session.close()
      startDaemonLater(cgpu.dirs, cgpu.settings)
    }
  }

  /** What code gets when it asks: the same for all cells. */
  async #granted(cgpu: Cgpu, flags: ReplFlags, asks: boolean): Promise<Granted> {
    const granted: Granted = {host: undefined, secrets: {}}
    const host = await kernelHost({
      granted: flags.secret ?? [], onGranted: (values) => void (granted.secrets = values), asks, ...this.secretPlaces(cgpu), onEvent: (event) => this.#event?.(event),
    })
    const {consent} = host
    // whoever asks for consent reads from the terminal
    granted.host = {...host, ...(consent ? {consent: (request) => this.#lend(() => consent(request))} : {})}
    return granted
  }

  /** One cell, as `exec` runs it: asked of plugins, kept in the history, interruptible. */
  async #cell({cgpu, record, flags, session, granted}: Work, code: string, target: Target, onInput: AnswerInput): Promise<CellEnd> {
    const sink = await this.sink({output: flags.output, imageDir: flags['output-dir'] ?? '.'})
    this.#event = sink.onEvent
    this.#midLine = false
    const id = newRunId()
    const request: ExecutionRequest = {id, kind: 'exec', runtime: {id: record.id, name: record.name, provider: record.provider}, code, envNames: []}
    const given = {...flags, ...(target.kernel === undefined ? {} : {kernel: target.kernel})}
    try {
      const outcome = await this.recorded(cgpu, begunExec(request, record, {code}, given, granted.secrets), () => withExecution(this, request, {}, () => {
        const execution = new Execution(session, {
          id, code, ...target, host: granted.host, onInput,
          // the prompt is the editor's
          onEvent: (event) => (event.type === 'input_request' && sink.kind === 'text' ? undefined : this.#shown(event, sink.onEvent)),
        })
        this.#interrupt = () => void execution.interrupt().catch(() => undefined)
        return this.interruptible(execution.result, {first: () => execution.interrupt(), leave: () => `the code goes on on ${record.name}`})
      }, (ended) => ended), (ended) => ended)
      this.#cells.push(await finishExec(outcome, record.name, sink, {
        exitWith: () => undefined,
        failWith: (exit, message, code_, details) => {
          this.#cells.push(details as unknown as ExecResult) // as finishExec made it
          return this.failWith(exit, message, code_, {runtime: record.name, cells: this.#cells})
        },
      }))
      return {exitStatus: outcome.exitStatus, nextInput: outcome.nextInput}
    } catch (error) {
      await sink.end({id, exitStatus: error instanceof CgpuError ? error.exit : 70, durationSeconds: 0})
      if (error instanceof CgpuError && !this.jsonEnabled()) return {exitStatus: error.exit, error}
      throw error
    } finally {
      this.#event = undefined
      this.#interrupt = () => undefined
    }
  }

  #shown(event: ExecutionEvent, next: (event: ExecutionEvent) => void | Promise<void>): void | Promise<void> {
    if (event.type === 'stdout' || event.type === 'stderr') {
      if (process[event.type].isTTY) this.#midLine = event.data.at(-1) !== 0x0a
    } else if (event.type === 'display') this.#midLine = false
    return this.#output ? this.#output(() => next(event)) : next(event)
  }

  /** The editor draws over its line from the beginning. */
  #freshLine(): void {
    if (this.#midLine) process.stderr.write('\n')
    this.#midLine = false
  }
}
