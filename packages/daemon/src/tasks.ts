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

export interface TaskHelp {
  log: (line: string) => void
  /** whose work it is */
  context: ClientContext
}

export interface TaskRunnerOptions {
  tasks: readonly DaemonTask[]
  open: (context: ClientContext) => Promise<Cgpu>
  log: (line: string) => void
}

interface Running {
  task: DaemonTask
  context: ClientContext
  status: TaskStatus
  timer?: NodeJS.Timeout | undefined
  /** a poke during a run: it is run once more */
  again: boolean
  active: boolean
}

const maxContexts = 8

/** Runs tasks one after the other in time, each for every environment that somebody works in. */
export class TaskRunner {
  readonly #options: TaskRunnerOptions
  readonly #running = new Map<string, Running[]>()
  readonly #stop = new AbortController()
  readonly #works = new Set<Promise<void>>()

  constructor(options: TaskRunnerOptions) {
    this.#options = options
  }

  /** Whether a task has something to do, or may have: it has not been asked yet. */
  get busy(): boolean {
    return this.#all().some(({active, status}) => active || status.state === 'busy')
  }

  status(): TaskStatus[] {
    return this.#all().map(({status}) => ({...status}))
  }

  /** Runs the tasks for an environment that was not met before. */
  meet(context: ClientContext): void {
    if (!this.#running.has(keyOf(context))) this.poke(context)
  }

  /** Runs the tasks, or the named one, now; for a new environment from now on. */
  poke(context: ClientContext, name?: string): void {
    if (this.#stop.signal.aborted) return
    const key = keyOf(context)
    let running = this.#running.get(key)
    if (!running) {
      running = this.#options.tasks.map((task) => ({task, context, again: false, active: false, status: {name: task.name, state: 'waiting', ranAt: null}}))
      this.#running.set(key, running)
      this.#forgetOld()
    }
    for (const one of running) if (name === undefined || one.task.name === name) this.#run(one)
  }

  /** Resolves when nothing runs any more: a machine that is being made must not be left halfway. */
  async stop(): Promise<void> {
    this.#stop.abort()
    for (const {timer} of this.#all()) clearTimeout(timer)
    await Promise.all(this.#works)
  }

  #all(): Running[] {
    return [...this.#running.values()].flat()
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
      one.timer = setTimeout(() => this.#run(one), one.task.everyMs)
      one.timer.unref()
    })
  }

  async #work({task, context, status}: Running): Promise<void> {
    try {
      const {log, open} = this.#options
      status.state = await task.run(await open(context), this.#stop.signal, {log, context})
    } catch (error) {
      status.state = 'failed'
      this.#options.log(`task ${task.name} failed: ${error instanceof Error ? error.message : String(error)}`)
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
