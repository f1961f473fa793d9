import {setTimeout as delay} from 'node:timers/promises'
import type {AgentClient} from '../agent/client.ts'
import {errors} from '../errors.ts'
import type {Checkpoints} from '../job/checkpoints.ts'
import {keyMismatch} from '../job/key.ts'
import type {RuntimeSession} from '../runtime/session.ts'
import {type Artifact, collectOutputs, remoteJoin} from './collect.ts'
import type {EventListener} from './events.ts'
import {followJob, type JobOutcome, type JobSpec, startJob} from './job.ts'
import {newRunId} from './id.ts'
import type {RunPlan} from './plan.ts'
import type {StdinFeed} from './stdin-feed.ts'

export type {Artifact} from './collect.ts'

/** How a program that fails is run again, by its machine. */
export interface RestartPolicy {
  /** attempts after the first one */
  max: number
  /** files below the program's folder that it can go on from */
  checkpoint?: string
  /** a shell's line that runs instead from the second attempt on; `{latest}` stands for the newest checkpoint */
  resume?: string
}

/** Where the program is on its machine. */
export interface Placed {
  /** absolute folder that it runs in */
  cwd: string
  /** its id was started before: nothing was uploaded or started now */
  attached: boolean
}

export interface RunOptions {
  /** of the run and its job; default: a new one */
  id?: string
  plan: RunPlan
  onEvent: EventListener
  /** the local stream that becomes the program's stdin; `open`: it is fed later; absent: an empty one */
  stdin?: StdinFeed | 'open'
  /** the id comes from an idempotency key: it may have been started before, but only for the same request */
  fingerprint?: string
  restarts?: RestartPolicy
  /** where checkpoints are kept while it runs; what is there when it begins is put onto the machine, and it goes on from it */
  checkpoints?: Checkpoints
  /** told when the program runs */
  onPlaced?: (placed: Placed) => Promise<void>
  /** where outputs go */
  outputDir: string
  /** stops following; the job goes on */
  signal?: AbortSignal | undefined
}

export interface RunOutcome extends JobOutcome {
  runtime: string
  outputs: Artifact[]
  /** output patterns that matched nothing */
  missingOutputs: string[]
}

/** How often is looked for new checkpoints. */
const checkpointLookMs = 2_000

/** One run of a script or command on a runtime: files up, packages in, the process, its outputs back. */
export class Run {
  readonly id: string
  readonly #session: RuntimeSession
  readonly #options: RunOptions
  /** ends what surrounds the program: uploading, installing, bringing outputs back */
  readonly #stop = new AbortController()
  readonly #signal: AbortSignal
  /** the job that runs now: the program's, or pip's before it */
  #job: string | undefined
  /** its start; until it is answered the machine knows of nothing that a signal could reach */
  #started: Promise<unknown> | undefined

  constructor(session: RuntimeSession, options: RunOptions) {
    this.#session = session
    this.#options = options
    this.id = options.id ?? newRunId()
    this.#signal = options.signal ? AbortSignal.any([options.signal, this.#stop.signal]) : this.#stop.signal
  }

  /** True while the program may be running on the machine. */
  get running(): boolean {
    return this.#job === this.id
  }

  /** The job on the machine that prepares the program: packages are installed. */
  get preparing(): string | undefined {
    return this.running ? undefined : this.#job
  }

  /** Sends a signal to the whole process group of the program; before and after the program, ends the run instead. */
  async signal(name: 'SIGINT' | 'SIGTERM' | 'SIGKILL'): Promise<void> {
    if (!this.running) this.#stop.abort(errors.interrupted('interrupted', {code: 'INTERRUPTED', details: {signal: name}}))
    if (this.#job === undefined) return
    await this.#started?.catch(() => undefined)
    const agent = await this.#session.agent()
    // a signal alone would only have it started again
    if (this.running && this.#options.restarts) await agent.stop(this.#job)
    else await agent.signal(this.#job, name)
  }

  /** Uploads what the program needs and starts it. It goes on without us. */
  begin(): Promise<Placed> {
    return this.#session.guard(() => this.#begin())
  }

  /** Begins, delivers the output to its end, and brings the outputs back. */
  execute(): Promise<RunOutcome> {
    return this.#session.guard(() => this.#execute())
  }

  async #begin(): Promise<Placed> {
    const {plan, onEvent, onPlaced} = this.#options
    const agent = await this.#session.agent()
    const attached = await this.#startedBefore(agent)
    await onEvent({type: 'started', id: this.id, runtime: this.#session.record.name, ...(attached ? {attached} : {})})
    const workdir = this.#session.endpoint.workdir ?? agent.hello.workdir
    const cwd = plan.remoteCwd === undefined ? workdir : remoteJoin(workdir, plan.remoteCwd)
    if (!attached) await this.#start(agent, workdir, cwd)
    this.#job = this.id
    const placed = {cwd, attached}
    await onPlaced?.(placed)
    return placed
  }

  async #start(agent: AgentClient, workdir: string, cwd: string): Promise<void> {
    const {plan, stdin, fingerprint, restarts} = this.#options
    await this.#upload(agent, workdir)
    await this.#install(agent)
    const latest = await this.#options.checkpoints?.restore(agent, cwd, this.#signal)
    this.#signal.throwIfAborted()
    this.#job = this.id
    const resumed = latest === undefined || !restarts ? undefined : resumeArgv(agent, restarts)?.map((word) => (word === '{latest}' ? latest : word))
    await this.#startJob({
      id: this.id, argv: resumed ?? this.#argv(agent, workdir), cwd, env: plan.env, stdin: stdin !== undefined,
      ...(fingerprint === undefined ? {} : {fingerprint}), ...(restarts ? {restarts: {...restarts, resume: resumeArgv(agent, restarts)}} : {}),
    })
  }

  async #startJob(spec: JobSpec): Promise<void> {
    this.#started = startJob(this.#session, spec)
    await this.#started
  }

  /** Throws IDEMPOTENCY_CONFLICT (72) when the id was started for something else. */
  async #startedBefore(agent: AgentClient): Promise<boolean> {
    const {fingerprint} = this.#options
    if (fingerprint === undefined) return false
    const status = await agent.status(this.id, {signal: this.#signal})
    if (status.state === 'unknown') return false
    if (status.fingerprint !== fingerprint) throw keyMismatch(this.id)
    return true
  }

  async #execute(): Promise<RunOutcome> {
    const {plan, onEvent, stdin, outputDir} = this.#options
    const {cwd, attached} = await this.#begin()
    // its end shows in the job itself
    if (!attached && stdin !== undefined && stdin !== 'open') stdin.to(this.#session, this.id, {onEvent}).catch(() => undefined)
    const pulling = this.#pullCheckpoints(cwd)
    const outcome = await followJob(this.#session, this.id, {onEvent, signal: this.#signal}).finally(pulling.stop)
    this.#job = undefined
    const {outputs, missing} = await collectOutputs(await this.#session.agent(), {
      patterns: plan.outputs, cwd, since: outcome.startedAt, outputDir, onEvent, signal: this.#signal,
    })
    return {...outcome, runtime: this.#session.record.name, outputs, missingOutputs: missing}
  }

  /** While the program runs; a look that fails is made up for by the next. */
  #pullCheckpoints(cwd: string): {stop: () => void} {
    const {checkpoints, restarts} = this.#options
    const pattern = restarts?.checkpoint
    if (!checkpoints || pattern === undefined) return {stop: () => undefined}
    const ended = new AbortController()
    const look = async (): Promise<void> => {
      while (!ended.signal.aborted) {
        await checkpoints.pull(await this.#session.agent(), {pattern, cwd}, ended.signal).catch(() => undefined)
        await delay(checkpointLookMs, undefined, {signal: ended.signal}).catch(() => undefined)
      }
    }
    look().catch(() => undefined)
    return {stop: () => ended.abort()}
  }

  #argv(agent: AgentClient, workdir: string): string[] {
    const {interpreter, args, files} = this.#options.plan
    if (interpreter === 'command') return args
    const script = remoteJoin(workdir, files[0]?.remote ?? '')
    if (interpreter === 'python') return [agent.hello.executable, '-u', script, ...args]
    return interpreter === 'bash' ? ['bash', script, ...args] : [script, ...args]
  }

  async #upload(agent: AgentClient, workdir: string): Promise<void> {
    const {plan, onEvent} = this.#options
    const total = plan.files.reduce((sum, file) => sum + file.size, 0)
    let done = 0
    const queue = [...plan.files]
    const worker = async (): Promise<void> => {
      for (let file = queue.shift(); file; file = queue.shift()) {
        await agent.upload(file.local, remoteJoin(workdir, file.remote), {mode: file.mode, signal: this.#signal})
        done += file.size
        await onEvent({type: 'progress', message: 'uploading', done, total})
      }
    }
    await Promise.all(Array.from({length: Math.min(4, queue.length)}, worker))
  }

  async #install(agent: AgentClient): Promise<void> {
    const {plan, onEvent} = this.#options
    const signal = this.#signal
    if (plan.packages.length === 0 && plan.requirements === undefined) return
    let requirements: string | undefined
    if (plan.requirements !== undefined) {
      requirements = remoteJoin(agent.hello.home, `requirements-${this.id}.txt`)
      await agent.upload(new TextEncoder().encode(plan.requirements), requirements, {mode: 0o600, signal})
    }
    const argv = agent.pipArgv({packages: plan.packages, ...(requirements === undefined ? {} : {requirements})})
    const tail: string[] = []
    const decoder = new TextDecoder()
    const id = `${this.id}-pip`
    await onEvent({type: 'progress', message: 'installing packages'})
    signal.throwIfAborted()
    this.#job = id
    await this.#startJob({id, argv, env: {}})
    const {exitStatus} = await followJob(this.#session, id, {
      signal,
      onEvent: async (event) => {
        if (event.type !== 'stdout' && event.type !== 'stderr') return
        for (const line of decoder.decode(event.data, {stream: true}).split('\n').map((one) => one.trim()).filter(Boolean)) {
          tail.push(line)
          if (tail.length > 8) tail.shift()
          const collecting = /^(Collecting|Downloading|Installing collected packages:) ?(.*)/.exec(line)
          if (collecting) await onEvent({type: 'progress', message: 'installing packages', detail: `${collecting[1]?.toLowerCase()} ${collecting[2]?.slice(0, 60)}`})
        }
      },
    })
    this.#job = undefined
    await onEvent({type: 'progress', message: 'installing packages', done: 1, total: 1})
    if (exitStatus === 0) return
    const last = tail.findLast((line) => line.startsWith('ERROR:')) ?? tail.at(-1) ?? `pip ended with ${exitStatus}`
    throw errors.data(`the packages could not be installed: ${last}`, {
      code: 'PACKAGES_NOT_INSTALLED', category: 'code', fix: 'check the names and versions; the lines before are in the details (--json)', details: {lastLines: tail},
    })
  }
}

/**
 * The path of a checkpoint travels as an argument, so that it stays one word whatever it holds. `python` in front is the one that
 * the runtime's kernels use.
 */
function resumeArgv(agent: AgentClient, {resume}: RestartPolicy): string[] | undefined {
  if (resume === undefined) return undefined
  const line = resume.replaceAll('{latest}', '"$1"').replace(/^python3?(?=\s)/, '"$2"')
  return ['sh', '-c', line, 'sh', '{latest}', agent.hello.executable]
}
