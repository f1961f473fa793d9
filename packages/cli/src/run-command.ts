import {resolve} from 'node:path'
import {CgpuError, ExitCode} from '@cgpu/core/errors'
import type {Cgpu} from '@cgpu/core/cgpu'
import {newRunId} from '@cgpu/core/execution/id'
import {planRun} from '@cgpu/core/execution/plan'
import {Run as RemoteRun, type RunOptions, type RunOutcome} from '@cgpu/core/execution/run'
import {StdinFeed} from '@cgpu/core/execution/stdin-feed'
import {fingerprintOf, idOfKey} from '@cgpu/core/job/key'
import type {JobRecord} from '@cgpu/core/job/record'
import type {RuntimeRecord} from '@cgpu/core/runtime/record'
import {secretOf} from '@cgpu/daemon/client'
import {formatDuration} from '@cgpu/core/text/format'
import {jobsOf} from '@cgpu/core/job/of'
import {type ExecutionRequest, withExecution} from '@cgpu/plugin-sdk'
import {leaveToDaemon} from './daemon/start-later.ts'
import {begunRun} from './history/begun.ts'
import {JobCommand} from './job-command.ts'
import {acquireRuntime, type ChosenRuntime, chooseRuntime, type HeldRuntime} from './run/acquire.ts'
import {jobRecord, type NewJob} from './run/job-record.ts'
import {acrossMachines, optionsAfter, wasTakenAway} from './run/moving.ts'
import {atMostOnce} from './run/once.ts'
import {checkedOutputDir} from './run/output-dir.ts'
import type {Requested} from './run/request.ts'
import {restartPolicy} from './run/restarts.ts'
import type {CommandSink} from './run/stream-command.ts'
import type {Captured} from './stream/capture-sink.ts'

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

export type RunResult = Finished | Detached

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

/** The base of commands that run a program as a process: on a runtime that is there, or on one made for it. */
export abstract class RunCommand extends JobCommand<RunResult> {
  /** Runs what was asked for, here or by a job before. */
  protected async start(flags: RunFlags, {run: asked, settings}: Requested, rest: string[], retryOf?: string): Promise<RunResult> {
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
      id, request: asked, secretNames: [...new Set(flags.secret ?? [])], fingerprint: key === undefined ? id : await fingerprintOf(plan), detached: flags.detach, outputDir: resolve(outputDir), restarts, retryOf,
      ...(flags.detach && flags['keep-stdin'] ? {stdin: 'open'} : {}),
    }
    const stdin = flags.detach ? (flags['keep-stdin'] ? 'open' : undefined) : new StdinFeed(process.stdin)
    const checkpoints = restarts && {restarts, checkpoints: await jobsOf(cgpu).store.checkpoints(id)}
    const start = async (placed: () => void): Promise<RunResult> => {
      const outcome = await this.#run(cgpu, sink, job, placed, {
        rest, flags, secrets, options: {
          id, plan: {...plan, env: {...plan.env, ...secrets}}, onEvent: sink.onEvent, outputDir,
          ...(stdin === undefined ? {} : {stdin}), ...checkpoints, ...(key === undefined ? {} : {fingerprint: job.fingerprint}),
        },
      })
      if (restarts && 'attached' in outcome && !outcome.attached) this.#sayWhoMoves(id, Object.keys(asked.env))
      return this.#finish(outcome, sink)
    }
    return key === undefined ? start(() => undefined) : this.#once(cgpu, sink, job, start)
  }

  async #once(cgpu: Cgpu, sink: CommandSink, job: JobDraft, start: (placed: () => void) => Promise<RunResult>): Promise<RunResult> {
    const {id, fingerprint} = job
    const once = await atMostOnce(cgpu, {id, fingerprint, start, open: () => this.openJob(cgpu, id, {sink, reads: true})})
    if ('result' in once) return once.result
    if ('record' in once) return this.#asRemembered(once.record, job.detached, sink)
    const before = once.job
    try {
      const {runtime: {name: runtime}, record, status: {state, exitCode: exitStatus}} = before
      if (job.detached) return await this.#sayDetached(sink, {id, runtime, releases: record?.releases ?? false, state, exitStatus, attached: true})
      return this.finishAs({...(await this.followJob(cgpu, before, sink)), missingOutputs: []})
    } finally {
      await before.doneReading?.()
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
      const on = async (where: ChosenRuntime, moves: number, hold: (held: HeldRuntime) => void): Promise<RunOutcome | Detached> => {
        held = await acquireRuntime(cgpu, where, {keep: cgpu.settings.on('keep'), signal: abort.signal, onEvent: sink.onEvent})
        hold(held)
        const {id, name, provider} = held.record
        execution.runtime = {id, name, provider}
        begun.on = held.record
        await this.#remember(cgpu, {...job, runtime: held.record, releases: held.releases}, moves)
        return this.#on(held, cgpu, sink, abort, job.detached, {...optionsAfter(options, moves), plan: {...plan, env}, onPlaced: async ({cwd}) => {
          await jobsOf(cgpu).store.update(job.id, (old) => ({...old, remoteCwd: cwd})).catch(() => undefined)
          placed()
        }})
      }
      try {
        return await acrossMachines(chosen, {
          cgpu, id: job.id, max: options.restarts?.max ?? 0, on, leave: (gone) => gone.done((line) => this.notice(line), {takenAway: true}), onEvent: sink.onEvent, signal: abort.signal,
        })
      } finally {
        process.stdin.destroy() // a terminal that nobody types on would keep the process alive
        // while it is released a first Ctrl-C changes nothing, a second one ends cgpu at once
        abort.arm()
        await held?.done((line) => this.notice(line))
        abort.dispose()
      }
    }, (result) => ('attached' in result ? undefined : result)), (result) => ('attached' in result ? {detached: true} : result))
  }

  /** A job that cannot be written down here runs all the same. On another machine it is the same job: whoever goes on with it counts that. */
  async #remember(cgpu: Cgpu, job: NewJob, moves: number): Promise<void> {
    const {store} = jobsOf(cgpu)
    const record = jobRecord(cgpu, job)
    const put = async (): Promise<void> => {
      const known = moves === 0 ? undefined : await store.update(job.id, ({createdAt}) => ({...record, createdAt, moves}))
      if (!known) await store.put(record)
    }
    await put().catch((error: unknown) => {
      if (!(error instanceof CgpuError)) throw error
      this.warn(`the job cannot be remembered here: ${error.message}`)
    })
  }

  /** The program's secrets as variables. Plugins, plans and events learn their names only. */
  async #secrets(names: string[], cgpu: Cgpu): Promise<Record<string, string>> {
    const [{SecretGrants}, {openSecrets}] = await Promise.all([import('@cgpu/core/secrets/grants'), import('./run/secrets.ts')])
    return (await SecretGrants.of(names, openSecrets(this.secretPlaces(cgpu)))).env()
  }

  /** Runs on the runtime that is held; `abort` covers the way there, then Ctrl-C belongs to the program. */
  async #on(held: HeldRuntime, cgpu: Cgpu, sink: CommandSink, abort: ReturnType<RunCommand['abortOnSignals']>, detach: boolean, options: RunOptions): Promise<RunOutcome | Detached> {
    const session = await cgpu.connect(held.record, {
      signal: abort.signal,
      onLink: (state, reason) => void sink.onEvent(state === 'reconnecting' ? {type: 'reconnecting', reason} : {type: 'reconnected'}),
    })
    try {
      const run = new RemoteRun(session, {...options, signal: abort.signal})
      if (detach) {
        const {attached} = await run.begin().catch(async (error: unknown) => {
          await jobsOf(cgpu).ends.failed(run.id, error)
          if (abort.signal.aborted && !held.releases) await stopPreparing(cgpu, held.record, run)
          throw error
        })
        await held.handOver()
        if (await leaveToDaemon(cgpu.dirs, cgpu.settings)) this.#sayWhatDaemonLacks(cgpu, held, run.id)
        return await this.#sayDetached(sink, {id: run.id, runtime: held.record.name, releases: held.releases, state: 'running', exitStatus: null, attached})
      }
      abort.dispose()
      // closing a terminal sends SIGHUP more than once: from here on none of them may end cgpu before the release
      const outcome = await this.#follow(run, held, cgpu, {arm: abort.arm, movesLeft: options.restarts?.max ?? 0})
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

  /** An account that only this command was given is none of the daemon's: it cannot ask for the machine. */
  #sayWhatDaemonLacks(cgpu: Cgpu, {record: {name, provider}}: HeldRuntime, id: string): void {
    const lacks = cgpu.realms.matters(provider) ? secretOf(process.env) : undefined
    if (lacks !== undefined) this.warn(`the daemon is not given ${lacks}, and cannot look after the job on ${name}: see to its end yourself (cgpu job wait ${id}), or sign in before: cgpu auth login`)
  }

  /** Nobody else than whoever knows the values can, as the daemon does for other jobs. */
  #sayWhoMoves(id: string, variables: string[]): void {
    const [first] = variables
    if (first === undefined) return
    const [values, set] = variables.length === 1 ? [`the value of ${first} is`, 'it'] : [`the values of ${variables.slice(0, 3).join(', ')}${variables.length > 3 ? ' …' : ''} are`, 'them']
    this.warn(`${values} kept nowhere; should its machine be taken away, go on with ${set} set: cgpu job move ${id}`)
  }

  async #follow(run: RemoteRun, held: HeldRuntime, cgpu: Cgpu, {arm, movesLeft}: {arm: () => void; movesLeft: number}): Promise<RunOutcome> {
    const {record: {name}, releases} = held
    const leave = (signal: string): string => {
      if (releases) return `${name} is released`
      if (run.running && signal === 'SIGPIPE') return `nobody reads the output any more, so that the program on ${name} is ended`
      return run.running ? `the job goes on on ${name}; follow it again: cgpu job attach ${run.id} -r ${name}` : 'the program was not started'
    }
    try {
      const outcome = await this.interruptible(run.execute(), {first: () => run.signal('SIGINT'), leave}).finally(arm)
      if (await jobsOf(cgpu).ends.ended(run.id, outcome)) {
        await held.handOver()
        await this.leaveToReader(cgpu, name)
      }
      return outcome
    } catch (error) {
      // a reader that went away ends the program, as a closed pipe would end a local one
      const left = error instanceof CgpuError && error.code === 'INTERRUPTED'
      const ends = releases || !run.running || (left && error.details?.['signal'] === 'SIGPIPE')
      if (left && ends) await run.signal('SIGTERM').catch(() => undefined)
      // whoever else follows it waits until it is on its next machine
      const goesOn = movesLeft > 0 && wasTakenAway(error)
      if ((!left || ends) && !goesOn) await jobsOf(cgpu).ends.failed(run.id, error)
      throw error
    }
  }

  async #sayEnd(outcome: RunOutcome, sink: CommandSink): Promise<void> {
    const {durationMs, exitStatus} = outcome
    await sink.end({id: outcome.id, exitStatus, durationSeconds: durationMs / 1000, status: exitStatus === 0 ? 'ok' : 'error'})
    for (const pattern of outcome.missingOutputs) this.warn(`no file that the run wrote matches the output ${pattern}`)
    this.notice(`${howItEnded(outcome)} after ${formatDuration(durationMs)}`)
  }

  #finish(outcome: RunOutcome | Detached, sink: CommandSink): RunResult {
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

/** Packages for a program that will not run would go on changing the machine. The run's own session ended with its signal. */
async function stopPreparing(cgpu: Cgpu, record: RuntimeRecord, {preparing}: RemoteRun): Promise<void> {
  if (preparing === undefined) return
  try {
    const session = await cgpu.connect(record, {signal: AbortSignal.timeout(5_000)})
    try {
      await (await session.agent()).stop(preparing)
    } finally {
      await session.close()
    }
  } catch {
    // who cannot be reached cannot be told; the installation ends by itself
  }
}
