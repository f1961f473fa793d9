import type {Cgpu} from '@cgpu/core/cgpu'
import {type ClientContext, keyOf} from './context.ts'
import type {TaskStatus} from './status.ts'

/**
 * Work that the daemon does by itself now and then, such as following jobs. While a task says `busy` the daemon does not end
 * itself. `run` gets a `Cgpu` with the settings of whoever started or poked the daemon, and must end when the signal aborts.
 */
export interface DaemonTask {
  name: string
  run(cgpu: Cgpu, signal: AbortSignal, help: TaskHelp): Promise<'idle' | 'busy'>
  /** how often, counted from the end of one run */
  everyMs: number
}

/** Work of the daemon itself, whoever uses it: it is given no settings and no client's environment. */
export interface OwnTask {
  name: string
  /** must end when the signal aborts; `againMs` from its end it is run again */
  run(signal: AbortSignal, help: Pick<TaskHelp, 'log'>): Promise<{state: 'idle' | 'busy'; againMs: number}>
}

export interface TaskHelp {
  log: (line: string) => void
  /** whose work it is */
  context: ClientContext
}

export interface TaskRunnerOptions {
  tasks: readonly DaemonTask[]
  own?: readonly OwnTask[]
  open: (context: ClientContext) => Promise<Cgpu>
  log: (line: string) => void
}

interface Running {
  name: string
  run: (one: Running) => Promise<void>
  /** until it is run again */
  againMs: number
  status: TaskStatus
  timer?: NodeJS.Timeout | undefined
  /** a poke during a run: it is run once more */
  again: boolean
  active: boolean
}

const maxContexts = 8
/** of the daemon's own tasks, should the first run fail */
const firstAgainMs = 10_000

/** Runs tasks one after the other in time, each for every environment that somebody works in. */
export class TaskRunner {
  readonly #options: TaskRunnerOptions
  readonly #running = new Map<string, Running[]>()
  readonly #own: Running[]
  readonly #stop = new AbortController()
  readonly #works = new Set<Promise<void>>()

  constructor(options: TaskRunnerOptions) {
    this.#options = options
    const {own = [], log} = options
    this.#own = own.map((task) => this.#begin(task.name, firstAgainMs, async (one) => {
      const {state, againMs} = await task.run(this.#stop.signal, {log})
      one.status.state = state
      one.againMs = againMs
    }))
  }

  /** Whether a task has something to do, or may have: it has not been asked yet. */
  get busy(): boolean {
    return this.#all().some(({active, status}) => active || status.state === 'busy')
  }

  status(): TaskStatus[] {
    return this.#all().map(({status}) => ({...status}))
  }

  /** Runs the daemon's own tasks, from now on. */
  start(): void {
    for (const one of this.#own) this.#run(one)
  }

  /** Runs the tasks for an environment that was not met before. */
  meet(context: ClientContext): void {
    if (!this.#running.has(keyOf(context))) this.poke(context)
  }

  /** Runs the tasks, or the named one, now; for a new environment from now on. Without one, only the daemon's own can be named. */
  poke(context: ClientContext | undefined, name?: string): void {
    if (this.#stop.signal.aborted) return
    const own = this.#own.find((one) => one.name === name)
    if (own) return this.#run(own)
    for (const one of context ? this.#of(context) : []) if (name === undefined || one.name === name) this.#run(one)
  }

  #of(context: ClientContext): Running[] {
    const key = keyOf(context)
    let running = this.#running.get(key)
    if (!running) {
      const {open, log} = this.#options
      running = this.#options.tasks.map((task) => this.#begin(task.name, task.everyMs, async ({status}) => {
        status.state = await task.run(await open(context), this.#stop.signal, {log, context})
      }))
      this.#running.set(key, running)
      this.#forgetOld()
    }
    return running
  }

  #begin(name: string, againMs: number, run: Running['run']): Running {
    return {name, run, againMs, again: false, active: false, status: {name, state: 'waiting', ranAt: null}}
  }

  /** Resolves when nothing runs any more: a machine that is being made must not be left halfway. */
  async stop(): Promise<void> {
    this.#stop.abort()
    for (const {timer} of this.#all()) clearTimeout(timer)
    await Promise.all(this.#works)
  }

  #all(): Running[] {
    return [...this.#own, ...[...this.#running.values()].flat()]
  }

  #run(one: Running): void {
    clearTimeout(one.timer)
    if (one.active) {
      one.again = true
      return
    }
    one.active = true
    const work = this.#work(one)
    this.#works.add(work)
    void work.finally(() => {
      this.#works.delete(work)
      one.active = false
      if (this.#stop.signal.aborted) return
      if (one.again) {
        one.again = false
        return this.#run(one)
      }
      one.timer = setTimeout(() => this.#run(one), one.againMs)
      one.timer.unref()
    })
  }

  async #work(one: Running): Promise<void> {
    const {name, status} = one
    try {
      await one.run(one)
    } catch (error) {
      status.state = 'failed'
      this.#options.log(`task ${name} failed: ${error instanceof Error ? error.message : String(error)}`)
    }
    status.ranAt = new Date().toISOString()
  }

  #forgetOld(): void {
    for (const [key, running] of this.#running) {
      if (this.#running.size <= maxContexts) return
      if (running.some(({active, status}) => active || status.state === 'busy')) continue
      for (const {timer} of running) clearTimeout(timer)
      this.#running.delete(key)
    }
  }
}
