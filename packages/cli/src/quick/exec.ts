import {findProjectFile, mayDeclareHooks} from '@cgpu/core/config/find-project'
import {CgpuError} from '@cgpu/core/errors'
import type {ExecOutcome} from '@cgpu/core/execution/exec'
import type {ExecutionEvent} from '@cgpu/core/execution/events'
import {newRunId} from '@cgpu/core/execution/id'
import {type Dirs, resolveDirs} from '@cgpu/core/state/dirs'
import {type ClientContext, connectDaemon, contextOf, DaemonExec, type ExecEnd, errorOf, greetingLimitMs} from '@cgpu/daemon/client'
import {inert} from '@cgpu/plugin-sdk/lean'
import type {IndexedPlugin} from '@cgpu/plugins/install/plugin-index'
import {daemonProgram} from '../daemon/program.ts'
import {type CommandSink, commandSink} from '../run/command-sink.ts'
import {failureOfCode, finishExec} from '../run/exec-result.ts'
import {interruptible} from '../run/interruptible.ts'
import {parseTimeLimit} from '@cgpu/core/text/time-limit'
import {wantsOclif} from '../shell/own-only.ts'
import {pluginsHere} from '../shell/plugins-here.ts'
import {type QuickArguments, quickArguments} from './arguments.ts'
import {QuickHost} from './host.ts'
import type * as Hooks from './hooks.ts'
import type {QuickHooks} from './hooks.ts'
import type {Rejoin, Rejoined} from './rejoin.ts'

const fs = process.getBuiltinModule('node:fs')
/** The SDK for plugins, which has the same file as what calls their hooks: fast-parts/sdk.js gives it to them. */
const sdkKey = Symbol.for('cgpu.sdk-beside-hooks')
const holder = globalThis as unknown as Record<symbol, unknown> // a symbol of our own on the global object

/** How bin/run.js loads more of cgpu. */
export interface Loading {
  /** takes longer than to load one module, and makes each that follows quicker */
  findOwn: () => void
  /** what a file exports that is a script: see scripts/bundle-daemon.mjs */
  load: (path: string) => unknown
}

/** as readSmallFile's */
const maxFileBytes = 8 * 1024 * 1024

/**
 * `cgpu exec` by the daemon, without loading anything that the daemon has loaded already. False: not possible, and nothing was
 * done: the command itself has to do it.
 */
export async function quickExec(argv: readonly string[], env: NodeJS.ProcessEnv, loading: Loading): Promise<boolean> {
  if (wantsOclif(env) || env['CGPU_DAEMON'] === 'off') return false
  const given = quickArguments(argv, env)
  const context = given && contextOf(env, process.cwd())
  const program = context && daemonProgram()
  const asked = given && asTyped(given)
  if (!program || !asked) return false
  const dirs = resolveDirs(env)
  const plugins = await pluginsAround(env)
  if (!plugins) return false
  const project = findProjectFile(process.cwd(), env['HOME'] || process.getBuiltinModule('node:os').homedir())
  if (project !== undefined && mayDeclareHooks(project)) return false
  const greeted = await connectDaemon({state: dirs.state, build: program.build})
  const why = 'wire' in greeted ? (given.verbose ? 'with --verbose the wire is traced here' : undefined) : greeted.why
  if (why !== undefined || !('wire' in greeted)) {
    if ('wire' in greeted) greeted.wire.destroy()
    if (given.verbose) process.stderr.write(`${inert(`daemon: not used after ${greeted.ms} ms: ${why}`)}\n`)
    return false
  }
  return new QuickExec({given, ...asked, context, dirs, env, plugins, version: program.version, loading}).run(greeted)
}

/** Those with hooks around an execution. Undefined: more is to be asked of plugins than is done here. */
async function pluginsAround(env: NodeJS.ProcessEnv): Promise<IndexedPlugin[] | undefined> {
  const all = await pluginsHere([], env)
  const around = all?.filter(({hooks}) => Object.keys(hooks).some((event) => event.startsWith('execution:')))
  const plain = all?.every(({name, commands, hooks}) =>
    // the names that what comes with cgpu has
    !/^@(cgpu|oclif)\//.test(name) && !commands.some((id) => id.startsWith('exec:')) && !Object.hasOwn(hooks, 'provider:register'))
  return plain && around?.every(({level}) => level === 'trusted') ? around : undefined
}

/** The code and the time as they were typed; undefined where the command has something to say about them. */
function asTyped({code, file, timeout}: QuickArguments): {code: string; timeoutMs: number | undefined} | undefined {
  try {
    const timeoutMs = timeout === undefined ? undefined : parseTimeLimit(timeout)
    if (file === undefined) return {code: code ?? '', timeoutMs}
    const info = fs.statSync(file)
    return info.isFile() && info.size <= maxFileBytes ? {code: fs.readFileSync(file, 'utf8'), timeoutMs} : undefined
  } catch {
    return undefined
  }
}

/** What was typed besides the code and the runtime, as the command's flags are called. */
function toldOf({file, kernel, timeout, outputDir, freshKernel}: QuickArguments): Record<string, string | boolean> {
  const all = {file, kernel, timeout, 'output-dir': outputDir, 'new-kernel': freshKernel || undefined}
  return Object.fromEntries(Object.entries(all).filter((entry): entry is [string, string | true] => entry[1] !== undefined))
}

interface QuickOptions {
  given: QuickArguments
  code: string
  timeoutMs: number | undefined
  context: ClientContext
  dirs: Dirs
  env: NodeJS.ProcessEnv
  plugins: readonly IndexedPlugin[]
  version: string
  loading: Loading
}

/** What the command does around an execution, for one that the daemon runs. */
class QuickExec {
  readonly #options: QuickOptions
  readonly #warnings: string[] = []
  readonly #openedAt = performance.now()
  readonly #id = newRunId()
  readonly #delivered = {stdoutBytes: 0, stderrBytes: 0, displays: 0}
  #sink: CommandSink | undefined
  #opening: Promise<CommandSink> | undefined
  #runtime: {id: string; name: string; provider: string} | undefined
  #hooks: Promise<QuickHooks> | undefined
  #kernel = ''
  /** the code may run since then */
  #startedAt = 0
  #interrupted = false
  /** the command is over, whatever the code does */
  #over = false
  #rejoined: Rejoined | undefined

  constructor(options: QuickOptions) {
    this.#options = options
  }

  async run({wire, ms}: {wire: ConstructorParameters<typeof DaemonExec>[0]; ms: number}): Promise<boolean> {
    const {given, code, timeoutMs, context, dirs, env, plugins} = this.#options
    const host = new QuickHost({dirs, env, asks: given.kind === 'text', onWarning: (message) => this.#warn(message), onEvent: (event) => this.#event(event)})
    const exec = new DaemonExec(wire, {
      selected: (runtime) => {
        this.#runtime = runtime
      },
      event: (event) => this.#event(event),
      mayRun: plugins.length === 0 ? undefined : () => this.#ask(),
      warning: (message) => this.#warn(message),
      call: (name, args, signal) => host.answer(name, args, signal),
    })
    const {runtime, kernel} = given
    try {
      const ran = exec.run({
        id: this.#id, code, timeoutMs, kernel, freshKernel: given.freshKernel, context, answers: host.answers,
        runtime: runtime ?? (env['CGPU_RUNTIME'] || undefined), told: toldOf(given),
        flags: {...(runtime === undefined ? {} : {runtime}), ...(kernel === undefined ? {} : {kernel})},
      }, Math.max(1, greetingLimitMs - ms)).then((end) => this.#outcome(end, exec))
      // while the daemon works
      if (plugins.length > 0) this.#hooks = this.#loadHooks()
      const work = this.#hooks ? this.#told(ran, this.#hooks) : ran
      const outcome = await interruptible(work, {
        first: async () => {
          this.#interrupted = true
          await (this.#rejoined ?? exec).interrupt()
        },
        leave: () => `the code goes on on ${this.#runtime?.name ?? 'the runtime'}`,
        notice: (message) => this.#notice(message),
      })
      if (!outcome) return false
      await this.#finish(outcome)
    } catch (error) {
      await this.#report(error)
    } finally {
      this.#over = true
      host.close()
      exec.leave()
      await this.#rejoined?.close()
    }
    return true
  }

  /** Not before there is something for it: hooks are asked first, and the code is on its way when it tells that it has started. */
  async #openSink(): Promise<CommandSink> {
    const {kind, quiet, outputDir} = this.#options.given
    this.#opening ??= commandSink(kind, {quiet, imageDir: outputDir ?? '.', onWarning: (message) => this.#warn(message)})
    return (this.#sink = await this.#opening)
  }

  async #loadHooks(): Promise<QuickHooks> {
    const {given, dirs, plugins, version, loading: {findOwn, load}} = this.#options
    findOwn()
    const hooks = load('fast-exec/hooks.js') as typeof Hooks // scripts/bundle-daemon.mjs made it of that module
    holder[sdkKey] = hooks
    return new hooks.QuickHooks({plugins, version, dirs, json: given.kind === 'json', onWarning: (message) => this.#warn(message)})
  }

  async #ask(): Promise<void> {
    const {id, name, provider} = this.#runtime ?? {id: '', name: '', provider: ''}
    await (await this.#hooks)?.mayRun({id: this.#id, kind: 'exec', runtime: {id, name, provider}, code: this.#options.code, envNames: []})
  }

  async #told(ran: Promise<ExecOutcome | undefined>, loading: Promise<QuickHooks>): Promise<ExecOutcome | undefined> {
    try {
      const outcome = await ran
      await (await loading).over(outcome ? {outcome} : {error: new Error('the daemon went away')})
      return outcome
    } catch (error) {
      await (await loading).over({error})
      throw error
    }
  }

  /** Undefined: nothing was run, and the command itself may. */
  async #outcome(end: ExecEnd, exec: DaemonExec): Promise<ExecOutcome | undefined> {
    if (end.kind === 'done') return end.outcome
    if (end.kind === 'failed') throw errorOf(end.failure)
    return end.started && !this.#over ? this.#rejoin(exec) : undefined
  }

  /** The daemon is gone, and the code runs: its log on the machine tells the rest. */
  async #rejoin(exec: DaemonExec): Promise<ExecOutcome> {
    const {dirs, env, given, timeoutMs} = this.#options
    // the commands' own bundle: this one is without all that it takes
    const {rejoin} = (await import(new URL('../fast/main.js', import.meta.url).href)) as {rejoin: (options: Rejoin) => Promise<Rejoined>} // see scripts/bundle.mjs
    this.#rejoined = await rejoin({
      dirs, env, id: this.#id, runtime: this.#runtime?.id ?? '', startedAt: this.#startedAt, delivered: this.#delivered, interrupted: this.#interrupted, timeoutMs,
      kernel: {id: exec.kernelId, name: this.#kernel, own: given.freshKernel}, onEvent: (event) => this.#event(event), onWarning: (message) => this.#warn(message),
    })
    // asked for while nobody was there to do it
    if (this.#interrupted && !exec.interrupted) void this.#rejoined.interrupt().catch(() => undefined)
    return this.#rejoined.result
  }

  async #finish(outcome: ExecOutcome): Promise<void> {
    if (this.#runtime === undefined) throw new Error('the daemon ended an execution before it chose a runtime')
    const sink = await this.#openSink()
    const result = await finishExec(outcome, this.#runtime.name, sink, {
      exitWith: (status) => {
        process.exitCode = status
      },
      failWith: (exit, message, code, details) => {
        throw failureOfCode(exit, message, code, details)
      },
    })
    if (sink.kind !== 'json') return
    const {success} = await import('@cgpu/plugin-sdk/lean')
    process.stdout.write(`${JSON.stringify(success('exec', result, this.#warnings))}\n`)
  }

  /** As the command's own `catch`. */
  async #report(thrown: unknown): Promise<void> {
    const sink = this.#runtime && (await this.#openSink())
    const {kind} = this.#options.given
    if (sink?.kind === 'text') await sink.end()
    const {exitStatus, reportError, toCgpuError} = await import('@cgpu/plugin-sdk/lean')
    const error = toCgpuError(thrown, {command: 'cgpu exec', flagNames: []})
    const status = exitStatus(error)
    process.exitCode = status
    reportError(error, {command: 'exec', json: kind === 'json', verbose: false, warnings: this.#warnings})
    if (sink?.kind !== 'ndjson') return
    const code = thrown instanceof CgpuError ? thrown.code : 'INTERNAL'
    const message = thrown instanceof Error ? thrown.message : String(thrown)
    await sink.end({
      id: '', exitStatus: status, durationSeconds: (performance.now() - this.#openedAt) / 1000,
      status: code === 'INTERRUPTED' ? 'interrupted' : 'error', error: {code, message},
    })
  }

  #event(event: ExecutionEvent): void | Promise<void> {
    if (event.type === 'stdout' || event.type === 'stderr') this.#delivered[`${event.type}Bytes`] += event.data.length
    if (event.type === 'display') this.#delivered.displays++
    if (event.type === 'started') {
      this.#kernel = event.kernel ?? ''
      this.#startedAt = performance.now()
    }
    return this.#sink ? this.#sink.onEvent(event) : this.#openSink().then((sink) => sink.onEvent(event))
  }

  #warn(message: string): void {
    const {kind, quiet} = this.#options.given
    const shown = inert(message)
    this.#warnings.push(shown)
    if (kind !== 'json' && !quiet) process.stderr.write(`warning: ${shown}\n`)
  }

  #notice(message: string): void {
    const {kind, quiet} = this.#options.given
    if (kind === 'text' && !quiet) process.stderr.write(`${inert(message)}\n`)
  }
}
