import {mkdir} from 'node:fs/promises'
import {dirname, join} from 'node:path'
import type {AgentClient} from '../agent/client.ts'
import {errors} from '../errors.ts'
import type {RuntimeSession} from '../runtime/session.ts'
import {resolveInside, safeRelative} from '../script/paths.ts'
import {cannotWrite} from '../state/write-error.ts'
import type {EventListener} from './events.ts'
import {feedStdin, followJob, type JobOutcome, startJob} from './job.ts'
import {newRunId} from './id.ts'
import type {RunPlan} from './plan.ts'

export interface Artifact {
  /** local path */
  path: string
  size: number
  sha256: string
}

export interface RunOptions {
  /** of the run and its job; default: a new one */
  id?: string
  plan: RunPlan
  onEvent: EventListener
  /** the local stream that becomes the program's stdin; absent: an empty one */
  stdin?: AsyncIterable<Uint8Array>
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

  /** Sends a signal to the whole process group of the program; before and after the program, ends the run instead. */
  async signal(name: 'SIGINT' | 'SIGTERM' | 'SIGKILL'): Promise<void> {
    if (!this.running) this.#stop.abort(errors.interrupted('interrupted', {code: 'INTERRUPTED', details: {signal: name}}))
    if (this.#job !== undefined) await (await this.#session.agent()).signal(this.#job, name)
  }

  execute(): Promise<RunOutcome> {
    return this.#session.guard(() => this.#execute())
  }

  async #execute(): Promise<RunOutcome> {
    const {plan, onEvent} = this.#options
    const agent = await this.#session.agent()
    await onEvent({type: 'started', id: this.id, runtime: this.#session.record.name})
    const workdir = this.#session.endpoint.workdir ?? agent.hello.workdir
    await this.#upload(agent, workdir)
    await this.#install(agent)
    const cwd = plan.remoteCwd === undefined ? workdir : remoteJoin(workdir, plan.remoteCwd)
    this.#signal.throwIfAborted()
    this.#job = this.id
    await startJob(this.#session, {id: this.id, argv: this.#argv(agent, workdir), cwd, env: plan.env})
    const feeding = feedStdin(this.#session, this.id, this.#options.stdin ?? empty()).catch(() => undefined) // its end shows in the job itself
    const outcome = await followJob(this.#session, this.id, {onEvent, signal: this.#signal})
    void feeding
    this.#job = undefined
    const {outputs, missing} = await this.#collect(await this.#session.agent(), cwd, outcome.startedAt)
    return {...outcome, runtime: this.#session.record.name, outputs, missingOutputs: missing}
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
    await startJob(this.#session, {id, argv, env: {}})
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

  /** What matches and was written since the process began, by the machine's own clock: not what lay there before. */
  async #collect(agent: AgentClient, cwd: string, since: number): Promise<{outputs: Artifact[]; missing: string[]}> {
    const {plan, onEvent, outputDir} = this.#options
    const signal = this.#signal
    const outputs: Artifact[] = []
    const missing: string[] = []
    const seen = new Set<string>()
    for (const pattern of plan.outputs) {
      const found = await agent.glob({patterns: [pattern], root: cwd, since, signal})
      if (found.length === 0) missing.push(pattern)
      for (const file of found) {
        if (seen.has(file.path)) continue
        seen.add(file.path)
        const local = await localPlace(outputDir, file.path)
        const {size, sha256} = await agent.download(remoteJoin(cwd, file.path), local, {
          signal,
          onProgress: (done, total) => void onEvent({type: 'progress', message: `downloading ${file.path}`, done, total}),
        })
        const artifact = {path: join(outputDir, file.path), size, sha256}
        outputs.push(artifact)
        await onEvent({type: 'artifact', ...artifact})
      }
    }
    return {outputs, missing}
  }
}

/** Where an output goes below the folder, which no link leads out of; the folders on the way are made. */
async function localPlace(outputDir: string, path: string): Promise<string> {
  try {
    await mkdir(outputDir, {recursive: true})
    const local = await resolveInside(outputDir, safeRelative(path))
    await mkdir(dirname(local), {recursive: true})
    return local
  } catch (error) {
    throw cannotWrite(join(outputDir, path), error)
  }
}

/** Joins paths on the machine, which may not be of this machine's kind. */
function remoteJoin(folder: string, path: string): string {
  if (path.startsWith('/') || /^[A-Za-z]:[\\/]/.test(path)) return path
  const separator = /^[A-Za-z]:\\/.test(folder) ? '\\' : '/'
  return `${folder.replace(/[\\/]$/, '')}${separator}${path}`
}

async function* empty(): AsyncGenerator<Uint8Array> {
  // nothing: the program's stdin is at its end at once
}
