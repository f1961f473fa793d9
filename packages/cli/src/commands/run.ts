import {boolean, string} from '@oclif/core/flags'
import {CgpuError} from '@cgpu/core/errors'
import type {Cgpu} from '@cgpu/core/cgpu'
import {newRunId} from '@cgpu/core/execution/id'
import {planRun} from '@cgpu/core/execution/plan'
import {Run as RemoteRun, type RunOptions, type RunOutcome} from '@cgpu/core/execution/run'
import {formatDuration} from '@cgpu/core/text/format'
import {type ExecutionRequest, withEnv, withExecution} from '@cgpu/plugin-sdk'
import {outputFlag, runtimeFlag, specFlags} from '../flags.ts'
import {acquireRuntime, chooseRuntime, type HeldRuntime} from '../run/acquire.ts'
import {checkedOutputDir} from '../run/output-dir.ts'
import {runRequest} from '../run/request.ts'
import {type CommandSink, StreamCommand} from '../run/stream-command.ts'
import {secretFlag} from '../secret-flag.ts'
import type {Captured} from '../stream/capture-sink.ts'

type Result = Omit<RunOutcome, 'durationMs' | 'startedAt' | 'logOffset'> & {startedAt: string; durationSeconds: number} & Partial<Captured>

/** Runs a script or a command as a process on a runtime. */
export default class Run extends StreamCommand<Result> {
  static override description = `Makes a runtime for the run, or uses one that is there; uploads the script and what it needs; runs it with its own exit status, stdout, stderr and stdin; brings the outputs back; releases what it made. Everything behind the script, or behind --, belongs to the remote program.

A script may hold its own settings in a comment block:

    # /// cgpu
    # packages = ["numpy"]
    # outputs = ["model.json"]
    # ///

Exit status: that of the remote program (128+n when signal n killed it), 64 to 73 when cgpu could not run it; see cgpu help exit-codes.`
  static override examples = [
    {command: '<%= config.bin %> run examples/train.py --epochs 20', description: 'run a script; --epochs is its own argument'},
    {command: '<%= config.bin %> run --outputs "*.csv" --output-dir results -- sh -c "date > when.csv"', description: 'run a command and bring a file back'},
    {command: '<%= config.bin %> run --packages "numpy, pandas" --include data analyse.py', description: 'with packages and a folder of data'},
    {command: '<%= config.bin %> run -r trainer --secret WANDB_API_KEY train.py', description: 'on the runtime trainer, with a secret as a variable'},
  ]
  static override flags = {
    ...runtimeFlag,
    ...specFlags,
    ...outputFlag,
    ...secretFlag,
    ...withEnv({
      cwd: string({summary: 'folder on the runtime to run in, below its working folder', helpValue: 'DIR'}),
      env: string({char: 'e', multiple: true, summary: 'set NAME=VALUE for the program; NAME alone takes it from here', helpValue: 'NAME[=VALUE]'}),
      'env-file': string({multiple: true, summary: 'set the variables of this .env file', helpValue: 'FILE'}),
      include: string({char: 'i', multiple: true, summary: 'upload this file or folder too', helpValue: 'PATH'}),
      keep: boolean({summary: 'keep the runtime that the run made'}),
      outputs: string({char: 'o', multiple: true, summary: 'bring back the files that match this pattern', helpValue: 'GLOB'}),
      'output-dir': string({summary: 'where outputs go; default: the current folder', helpValue: 'DIR'}),
      packages: string({char: 'p', multiple: true, summary: 'install these packages first, separated by commas', helpValue: 'NAMES'}),
      requirements: string({summary: 'install what this requirements file lists first', helpValue: 'FILE'}),
    }),
  }
  static override remoteArgs = true
  static override strict = false
  static override summary = 'run a script or command on a runtime'
  static override usage = ['run [FLAGS] SCRIPT [ARGS…]', 'run [FLAGS] -- COMMAND…']

  async run(): Promise<Result> {
    const {flags, rest, separator} = await this.parseRemote(Run)
    const request = await runRequest(flags, rest, separator, {cwd: process.cwd(), env: process.env})
    const plan = await planRun(request.run)
    // a run that brings nothing back may be started where nothing can be written
    const outputDir = plan.outputs.length === 0 && flags['output-dir'] === undefined ? '.' : await checkedOutputDir(flags['output-dir'])
    const cgpu = await this.open(request.settings)
    const secrets = flags.secret ? await this.#secrets(flags.secret, cgpu) : {}
    const sink = await this.sink({output: flags.output, imageDir: '.'})
    const chosen = await chooseRuntime(cgpu, flags.runtime)
    const {there} = chosen
    const execution: ExecutionRequest = {
      id: newRunId(), kind: 'run', argv: rest, envNames: Object.keys({...plan.env, ...secrets}),
      runtime: {id: there?.id ?? '', name: there?.name ?? '', provider: there?.provider ?? chosen.wish.provider},
    }
    // plugins are asked before anything is made: a veto costs nothing
    const outcome = await withExecution(this, execution, plan.env, async (env) => {
      const abort = this.abortOnSignals()
      let held: HeldRuntime | undefined
      try {
        held = await acquireRuntime(cgpu, chosen, {keep: cgpu.settings.on('keep'), signal: abort.signal, onEvent: sink.onEvent})
        const {id, name, provider} = held.record
        execution.runtime = {id, name, provider}
        return await this.#on(held, cgpu, sink, abort, {id: execution.id, plan: {...plan, env: {...env, ...secrets}}, onEvent: sink.onEvent, stdin: process.stdin, outputDir})
      } finally {
        process.stdin.destroy() // a terminal that nobody types on would keep the process alive
        // while it is released a first Ctrl-C changes nothing, a second one ends cgpu at once
        abort.arm()
        await held?.done((line) => this.notice(line))
        abort.dispose()
      }
    }, ({exitStatus}) => exitStatus)
    return this.#finish(outcome, sink)
  }

  /** The program's secrets as variables. Plugins, plans and events learn their names only. */
  async #secrets(names: string[], cgpu: Cgpu): Promise<Record<string, string>> {
    const [{SecretGrants}, {openSecrets}] = await Promise.all([import('@cgpu/core/secrets/grants'), import('../run/secrets.ts')])
    return (await SecretGrants.of(names, openSecrets(this.secretPlaces(cgpu)))).env()
  }

  /** Runs on the runtime that is held; `abort` covers the way there, then Ctrl-C belongs to the program. */
  async #on(held: HeldRuntime, cgpu: Cgpu, sink: CommandSink, abort: ReturnType<Run['abortOnSignals']>, options: RunOptions): Promise<RunOutcome> {
    const session = await cgpu.connect(held.record, {
      signal: abort.signal,
      onLink: (state, reason) => void sink.onEvent(state === 'reconnecting' ? {type: 'reconnecting', reason} : {type: 'reconnected'}),
    })
    try {
      const run = new RemoteRun(session, {...options, signal: abort.signal})
      abort.dispose()
      // closing a terminal sends SIGHUP more than once: from here on none of them may end cgpu before the release
      const outcome = await this.#follow(run, held).finally(abort.arm)
      const cost = held.costSoFar()
      if (cost) await sink.onEvent(cost)
      await this.#sayEnd(outcome, sink)
      return outcome
    } finally {
      await session.close()
    }
  }

  async #follow(run: RemoteRun, {record: {name}, releases}: HeldRuntime): Promise<RunOutcome> {
    const leave = (signal: string): string => {
      if (releases) return `${name} is released`
      if (run.running && signal === 'SIGPIPE') return `nobody reads the output any more, so that the program on ${name} is ended`
      return run.running ? `the job goes on on ${name}; follow it again: cgpu job attach ${run.id} -r ${name}` : 'the program was not started'
    }
    try {
      return await this.interruptible(run.execute(), {first: () => run.signal('SIGINT'), leave})
    } catch (error) {
      // a reader that went away ends the program, as a closed pipe would end a local one
      const left = error instanceof CgpuError && error.code === 'INTERRUPTED'
      if (left && (releases || !run.running || error.details?.['signal'] === 'SIGPIPE')) await run.signal('SIGTERM').catch(() => undefined)
      throw error
    }
  }

  async #sayEnd(outcome: RunOutcome, sink: CommandSink): Promise<void> {
    const {durationMs, exitStatus} = outcome
    await sink.end({id: outcome.id, exitStatus, durationSeconds: durationMs / 1000, status: exitStatus === 0 ? 'ok' : 'error'})
    for (const pattern of outcome.missingOutputs) this.warn(`no file that the run wrote matches the output ${pattern}`)
    this.notice(`${howItEnded(outcome)} after ${formatDuration(durationMs)}`)
  }

  #finish(outcome: RunOutcome, sink: CommandSink): Result {
    const {durationMs, startedAt, logOffset: _, ...rest} = outcome
    const result: Result = {...rest, startedAt: new Date(startedAt * 1000).toISOString(), durationSeconds: durationMs / 1000, ...sink.captured?.()}
    if (outcome.exitStatus === 0) return result
    if (this.jsonEnabled()) this.failWith(outcome.exitStatus, `the program ${howItEnded(outcome)}`, 'PROGRAM_FAILED', {...result})
    this.exitWith(outcome.exitStatus)
    return result
  }
}

function howItEnded({exitStatus, signal}: RunOutcome): string {
  if (signal !== null) return `was killed by ${signal}`
  return exitStatus === 0 ? 'done' : `ended with status ${exitStatus}`
}
