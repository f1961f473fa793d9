import {boolean, integer, string} from '@oclif/core/flags'
import {resolve} from 'node:path'
import {CgpuError, ExitCode} from '@cgpu/core/errors'
import type {Cgpu} from '@cgpu/core/cgpu'
import {newRunId} from '@cgpu/core/execution/id'
import {planRun} from '@cgpu/core/execution/plan'
import {Run as RemoteRun, type RunOptions, type RunOutcome} from '@cgpu/core/execution/run'
import {fingerprintOf, idOfKey, keyMismatch} from '@cgpu/core/job/key'
import type {OpenJob} from '@cgpu/core/job/jobs'
import type {JobRecord} from '@cgpu/core/job/record'
import {formatDuration} from '@cgpu/core/text/format'
import {jobsOf} from '@cgpu/core/job/of'
import {type ExecutionRequest, withEnv, withExecution} from '@cgpu/plugin-sdk'
import {leaveToDaemon} from '../daemon/start-later.ts'
import {outputFlag, runtimeFlag, specFlags} from '../flags.ts'
import {begunRun} from '../history/begun.ts'
import {JobCommand} from '../job-command.ts'
import {acquireRuntime, anotherOf, type ChosenRuntime, chooseRuntime, type HeldRuntime} from '../run/acquire.ts'
import {jobRecord, type NewJob} from '../run/job-record.ts'
import {checkedOutputDir} from '../run/output-dir.ts'
import {type Requested, runRequest} from '../run/request.ts'
import {restartPolicy} from '../run/restarts.ts'
import type {CommandSink} from '../run/stream-command.ts'
import {secretFlag} from '../secret-flag.ts'
import type {Captured} from '../stream/capture-sink.ts'

type Finished = Omit<RunOutcome, 'durationMs' | 'startedAt' | 'logOffset'> & {startedAt: string; durationSeconds: number} & Partial<Captured>

/** A run that was left running: `--detach`. */
interface Detached {
  id: string
  runtime: string
  state: string
  exitStatus: number | null
  /** its runtime is released when it is over */
  releases: boolean
  /** the key was used before: nothing was started now */
  attached: boolean
}

export type Result = Finished | Detached

type JobDraft = Omit<NewJob, 'runtime' | 'releases'>

/** The flags of a run, parsed. */
export interface RunFlags {
  [name: string]: unknown
  checkpoint?: string | undefined
  detach: boolean
  'idempotency-key'?: string | undefined
  'keep-stdin': boolean
  'max-restarts'?: number | undefined
  output?: string | undefined
  'output-dir'?: string | undefined
  'resume-cmd'?: string | undefined
  runtime?: string | undefined
  secret?: string[] | undefined
}

/** Runs a script or a command as a process on a runtime. */
export default class Run extends JobCommand<Result> {
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
    {command: '<%= config.bin %> run -r trainer --secret WANDB_API_KEY train.py', description: 'on the runtime trainer, with a secret as a variable'},
    {command: '<%= config.bin %> run --detach train.py', description: 'start it, print its id, and leave it running'},
  ]
  static override flags = {
    ...runtimeFlag,
    ...specFlags,
    ...outputFlag,
    ...secretFlag,
    ...withEnv({
      checkpoint: string({summary: 'files of the program that it can go on from', helpValue: 'GLOB'}),
      cwd: string({summary: 'folder on the runtime to run in, below its working folder', helpValue: 'DIR'}),
      detach: boolean({char: 'd', summary: 'print the id of the job and leave it running'}),
      env: string({char: 'e', multiple: true, summary: 'set NAME=VALUE for the program; NAME alone takes it from here', helpValue: 'NAME[=VALUE]'}),
      'env-file': string({multiple: true, summary: 'set the variables of this .env file', helpValue: 'FILE'}),
      'idempotency-key': string({summary: 'run it once only, however often this command is given with this key', helpValue: 'KEY'}),
      include: string({char: 'i', multiple: true, summary: 'upload this file or folder too', helpValue: 'PATH'}),
      keep: boolean({summary: 'keep the runtime that the run made'}),
      'keep-stdin': boolean({summary: 'leave the stdin of a detached job open, for cgpu job attach --stdin'}),
      'max-restarts': integer({min: 0, max: 1000, summary: 'start the program again when it fails, so many times', helpValue: 'N'}),
      outputs: string({char: 'o', multiple: true, summary: 'bring back the files that match this pattern', helpValue: 'GLOB'}),
      'output-dir': string({summary: 'where outputs go; default: the current folder', helpValue: 'DIR'}),
      packages: string({char: 'p', multiple: true, summary: 'install these packages first, separated by commas', helpValue: 'NAMES'}),
      requirements: string({summary: 'install what this requirements file lists first', helpValue: 'FILE'}),
      'resume-cmd': string({summary: 'what to run instead when it is started again; {latest} is the newest checkpoint', helpValue: 'COMMAND'}),
    }),
  }
  static override remoteArgs = true
  static override seeAlso = ['job list', 'job attach', 'job logs', 'why']
  static override strict = false
  static override summary = 'run a script or command on a runtime'
  static override usage = ['run [FLAGS] SCRIPT [ARGS…]', 'run [FLAGS] -- COMMAND…']

  async run(): Promise<Result> {
    const {flags, rest, separator} = await this.parseRemote(Run)
    return this.start(flags, await runRequest(flags, rest, separator, {cwd: process.cwd(), env: process.env}), rest)
  }

  /** Runs what was asked for, here or by a job before. */
  protected async start(flags: RunFlags, {run: asked, settings}: Requested, rest: string[], retryOf?: string): Promise<Result> {
    const plan = await planRun(asked)
    const restarts = restartPolicy(flags)
    // a run that brings nothing back may be started where nothing can be written
    const outputDir = plan.outputs.length === 0 && flags['output-dir'] === undefined ? '.' : await checkedOutputDir(flags['output-dir'])
    const key = flags['idempotency-key']
    const id = key === undefined ? newRunId() : idOfKey(key)
    const cgpu = await this.open(settings)
    const secrets = flags.secret ? await this.#secrets(flags.secret, cgpu) : {}
    const sink = await this.sink({output: flags.output, imageDir: '.'})
    const job: JobDraft = {
      id, request: asked, secretNames: Object.keys(secrets), fingerprint: fingerprintOf(plan), detached: flags.detach, outputDir: resolve(outputDir), restarts, retryOf,
    }
    const stdin = flags.detach ? (flags['keep-stdin'] ? 'open' : undefined) : process.stdin
    const checkpoints = restarts && {restarts, checkpoints: await jobsOf(cgpu).store.checkpoints(id)}
    const start = async (placed: () => void): Promise<Result> => this.#finish(await this.#run(cgpu, sink, job, placed, {
      rest, flags, secrets, options: {
        id, plan: {...plan, env: {...plan.env, ...secrets}}, onEvent: sink.onEvent, outputDir,
        ...(stdin === undefined ? {} : {stdin}), ...checkpoints, ...(key === undefined ? {} : {fingerprint: job.fingerprint}),
      },
    }), sink)
    return key === undefined ? start(() => undefined) : this.#once(cgpu, sink, job, start)
  }

  /** At most once for a key: whoever comes second, also at the same moment, gets the job of the first. */
  async #once(cgpu: Cgpu, sink: CommandSink, job: JobDraft, start: (placed: () => void) => Promise<Result>): Promise<Result> {
    const {promise: placed, resolve: place} = Promise.withResolvers<void>()
    let running: Promise<Result> | undefined
    const before = await jobsOf(cgpu).store.alone(job.id, async () => {
      const there = await this.#startedBefore(cgpu, job, sink)
      if (there) return there
      running = start(place)
      await Promise.race([placed, running.catch(() => undefined)])
      return undefined
    }, {timeoutMs: 30 * 60_000})
    if (!before) return running!
    if ('record' in before && !('session' in before)) return this.#asRemembered(before.record, job.detached, sink)
    try {
      const {id, runtime: {name: runtime}, record, status: {state, exitCode: exitStatus}} = before
      if (job.detached) return await this.#sayDetached(sink, {id, runtime, releases: record?.releases ?? false, state, exitStatus, attached: true})
      return this.finishAs({...(await this.followJob(cgpu, before, sink)), missingOutputs: []})
    } finally {
      await before.session.close()
    }
  }

  /** It is over, and its machine is gone with its log: how it ended is all that can be told. */
  async #asRemembered({id, runtime: {name: runtime}, releases, seen}: JobRecord, detached: boolean, sink: CommandSink): Promise<Detached> {
    const known: Detached = {id, runtime, releases, state: seen?.state ?? 'unknown', exitStatus: seen?.exitStatus ?? null, attached: true}
    if (detached) return this.#sayDetached(sink, known)
    this.warn(`${id} was run before, and its output went with its machine ${runtime}`)
    await sink.end({id, exitStatus: known.exitStatus ?? ExitCode.lost, durationSeconds: 0})
    this.exitWith(known.exitStatus ?? ExitCode.lost)
    return known
  }

  /** The job of this key. Throws IDEMPOTENCY_CONFLICT (72). */
  async #startedBefore(cgpu: Cgpu, {id, fingerprint}: Pick<NewJob, 'id' | 'fingerprint'>, sink: CommandSink): Promise<OpenJob | {record: JobRecord} | undefined> {
    const record = await jobsOf(cgpu).store.get(id)
    if (!record) return undefined
    if (record.fingerprint !== fingerprint) throw keyMismatch(id)
    return this.openJob(cgpu, id, undefined, sink).catch((error: unknown) => {
      const code = error instanceof CgpuError ? error.code : ''
      // what ended before it began was not run: it is started now
      if (code === 'JOB_NOT_FOUND' || (code === 'JOB_LOST' && record.remoteCwd === undefined)) return undefined
      if (code === 'LOG_GONE' && record.remoteCwd !== undefined) return {record}
      if (code === 'LOG_GONE') return undefined
      throw error
    })
  }

  async #run(
    cgpu: Cgpu, sink: CommandSink, job: JobDraft, placed: () => void,
    {rest, flags, secrets, options}: {rest: string[]; flags: RunFlags; secrets: Record<string, string>; options: RunOptions},
  ): Promise<RunOutcome | Detached> {
    const {plan} = options
    const chosen = await chooseRuntime(cgpu, flags.runtime)
    const {there} = chosen
    const execution: ExecutionRequest = {
      id: job.id, kind: 'run', argv: rest, envNames: Object.keys(plan.env),
      runtime: {id: there?.id ?? '', name: there?.name ?? '', provider: there?.provider ?? chosen.wish.provider},
    }
    const begun = begunRun(execution, chosen, job.request, flags, secrets)
    // plugins are asked before anything is made: a veto costs nothing
    return this.recorded(cgpu, begun, () => withExecution<RunOutcome | Detached>(this, execution, plan.env, async (env) => {
      const abort = this.abortOnSignals()
      let held: HeldRuntime | undefined
      const on = async (where: ChosenRuntime, moves: number): Promise<RunOutcome | Detached> => {
        held = await acquireRuntime(cgpu, where, {keep: cgpu.settings.on('keep'), signal: abort.signal, onEvent: sink.onEvent})
        const {id, name, provider} = held.record
        execution.runtime = {id, name, provider}
        begun.on = held.record
        await this.#remember(cgpu, {...job, runtime: held.record, releases: held.releases})
        // the first machine's program had the stdin; each machine is one attempt less
        const rest = moves === 0 ? options : withoutStdin(options, moves)
        return this.#on(held, cgpu, sink, abort, job.detached, {...rest, plan: {...plan, env}, onPlaced: async ({cwd}) => {
          await jobsOf(cgpu).store.update(job.id, (old) => ({...old, remoteCwd: cwd})).catch(() => undefined)
          placed()
        }})
      }
      try {
        for (let where = chosen, moves = 0; ; moves++) {
          try {
            return await on(where, moves)
          } catch (error) {
            if (!held || !wasTakenAway(error) || moves >= (options.restarts?.max ?? 0) || (await wasEnded(cgpu, job.id))) throw error
            await sink.onEvent({type: 'notice', code: 'JOB_MOVED', message: `${held.record.name} was taken away; the program goes on on another machine`})
            await held.done((line) => this.notice(line))
            where = anotherOf(where)
          }
        }
      } finally {
        process.stdin.destroy() // a terminal that nobody types on would keep the process alive
        // while it is released a first Ctrl-C changes nothing, a second one ends cgpu at once
        abort.arm()
        await held?.done((line) => this.notice(line))
        abort.dispose()
      }
    }, ({exitStatus}) => exitStatus ?? undefined), (result) => ('attached' in result ? {detached: true} : result))
  }

  /** A job that cannot be written down here runs all the same. */
  async #remember(cgpu: Cgpu, job: NewJob): Promise<void> {
    await jobsOf(cgpu).store.put(jobRecord(cgpu, job)).catch((error: unknown) => {
      if (!(error instanceof CgpuError)) throw error
      this.warn(`the job cannot be remembered here: ${error.message}`)
    })
  }

  /** The program's secrets as variables. Plugins, plans and events learn their names only. */
  async #secrets(names: string[], cgpu: Cgpu): Promise<Record<string, string>> {
    const [{SecretGrants}, {openSecrets}] = await Promise.all([import('@cgpu/core/secrets/grants'), import('../run/secrets.ts')])
    return (await SecretGrants.of(names, openSecrets(this.secretPlaces(cgpu)))).env()
  }

  /** Runs on the runtime that is held; `abort` covers the way there, then Ctrl-C belongs to the program. */
  async #on(held: HeldRuntime, cgpu: Cgpu, sink: CommandSink, abort: ReturnType<Run['abortOnSignals']>, detach: boolean, options: RunOptions): Promise<RunOutcome | Detached> {
    const session = await cgpu.connect(held.record, {
      signal: abort.signal,
      onLink: (state, reason) => void sink.onEvent(state === 'reconnecting' ? {type: 'reconnecting', reason} : {type: 'reconnected'}),
    })
    try {
      const run = new RemoteRun(session, {...options, signal: abort.signal})
      if (detach) {
        const {attached} = await run.begin().catch(async (error: unknown) => {
          await jobsOf(cgpu).failed(run.id, error)
          throw error
        })
        await held.handOver()
        await leaveToDaemon(cgpu.dirs, cgpu.settings)
        return await this.#sayDetached(sink, {id: run.id, runtime: held.record.name, releases: held.releases, state: 'running', exitStatus: null, attached})
      }
      abort.dispose()
      // closing a terminal sends SIGHUP more than once: from here on none of them may end cgpu before the release
      const outcome = await this.#follow(run, held, cgpu, abort.arm)
      const cost = held.costSoFar()
      if (cost) await sink.onEvent(cost)
      await this.#sayEnd(outcome, sink)
      return outcome
    } finally {
      await session.close()
    }
  }

  /** stdout is the id alone, for scripts. */
  async #sayDetached(sink: CommandSink, detached: Detached): Promise<Detached> {
    const {id, runtime, attached} = detached
    await sink.end({id, exitStatus: 0, durationSeconds: 0, status: 'detached'})
    if (sink.kind === 'text') this.log(id)
    this.notice(`the job ${attached ? 'was started before' : `goes on on ${runtime}`}; follow it: cgpu job attach ${id}`)
    return detached
  }

  async #follow(run: RemoteRun, {record: {name}, releases}: HeldRuntime, cgpu: Cgpu, arm: () => void): Promise<RunOutcome> {
    const leave = (signal: string): string => {
      if (releases) return `${name} is released`
      if (run.running && signal === 'SIGPIPE') return `nobody reads the output any more, so that the program on ${name} is ended`
      return run.running ? `the job goes on on ${name}; follow it again: cgpu job attach ${run.id} -r ${name}` : 'the program was not started'
    }
    try {
      const outcome = await this.interruptible(run.execute(), {first: () => run.signal('SIGINT'), leave}).finally(arm)
      await jobsOf(cgpu).ended(run.id, outcome)
      return outcome
    } catch (error) {
      // a reader that went away ends the program, as a closed pipe would end a local one
      const left = error instanceof CgpuError && error.code === 'INTERRUPTED'
      const ends = releases || !run.running || (left && error.details?.['signal'] === 'SIGPIPE')
      if (left && ends) await run.signal('SIGTERM').catch(() => undefined)
      if (!left || ends) await jobsOf(cgpu).failed(run.id, error)
      throw error
    }
  }

  async #sayEnd(outcome: RunOutcome, sink: CommandSink): Promise<void> {
    const {durationMs, exitStatus} = outcome
    await sink.end({id: outcome.id, exitStatus, durationSeconds: durationMs / 1000, status: exitStatus === 0 ? 'ok' : 'error'})
    for (const pattern of outcome.missingOutputs) this.warn(`no file that the run wrote matches the output ${pattern}`)
    this.notice(`${howItEnded(outcome)} after ${formatDuration(durationMs)}`)
  }

  #finish(outcome: RunOutcome | Detached, sink: CommandSink): Result {
    if ('attached' in outcome) return outcome
    const {durationMs, startedAt, logOffset: _, ...rest} = outcome
    const result: Finished = {...rest, startedAt: new Date(startedAt * 1000).toISOString(), durationSeconds: durationMs / 1000, ...sink.captured?.()}
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

/** Its machine is gone, and nothing that ran there can go on. */
function wasTakenAway(error: unknown): boolean {
  return error instanceof CgpuError && error.code === 'RUNTIME_RECLAIMED'
}

/** Somebody released its machine, or cancelled it: it is not to go on elsewhere. */
async function wasEnded(cgpu: Cgpu, id: string): Promise<boolean> {
  return (await jobsOf(cgpu).store.get(id).catch(() => undefined))?.seen?.reason === 'cancelled'
}

function withoutStdin(options: RunOptions, moves: number): RunOptions {
  const {restarts} = options
  const rest = {...options, ...(restarts ? {restarts: {...restarts, max: restarts.max - moves}} : {})}
  delete rest.stdin
  return rest
}
