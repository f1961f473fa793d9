import {constants} from 'node:os'
import {CgpuError} from '@cgpu/plugin-sdk'
import type {Interrupts} from '../run/signals.ts'
import type {NotebookExecution} from '../run/run-notebook.ts'

const names = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const

/** What ends the runs of a batch early: a signal (the first Ctrl-C interrupts the cells, everything else leaves them), or a run that failed. */
export class BatchInterrupts {
  readonly #runs = new Set<RunInterrupts>()
  readonly #notice: (message: string) => void
  readonly #leavers = new Set<() => void>()
  #why: string | undefined
  #got: NodeJS.Signals | undefined

  constructor(notice: (message: string) => void) {
    this.#notice = notice
    for (const name of names) process.on(name, this.#on)
  }

  /** Nothing more is to be begun. */
  get stopped(): boolean {
    return this.#why !== undefined
  }

  /** Has it called whenever somebody does not want to wait any more; returns what ends that. */
  readonly onLeave = (listener: () => void): (() => void) => {
    this.#leavers.add(listener)
    return () => void this.#leavers.delete(listener)
  }

  /** 128 + n, of the signal that ended it */
  get exitStatus(): number | undefined {
    return this.#got && 128 + (constants.signals[this.#got] ?? 2)
  }

  /** Interrupts what runs, and lets nothing more begin. */
  stop(why: string): void {
    this.#why ??= why
    for (const run of this.#runs) run.stop(why)
  }

  forRun(): Interrupts {
    const run = new RunInterrupts(() => this.exitStatus, () => this.#runs.delete(run))
    this.#runs.add(run)
    if (this.#why !== undefined) run.stop(this.#why)
    return run
  }

  dispose(): void {
    for (const name of names) process.off(name, this.#on)
  }

  readonly #on = (name: NodeJS.Signals): void => {
    const again = this.#got !== undefined
    this.#got ??= name
    const leaves = again || name !== 'SIGINT'
    if (!leaves && this.#runs.size > 0) this.#notice('interrupting all notebooks; Ctrl-C again stops waiting for them')
    this.stop('interrupted before the notebook ran')
    if (!leaves) return
    for (const run of this.#runs) run.leave()
    for (const listener of this.#leavers) listener()
  }
}

/** One run's part: until its notebook runs, its start is given up; from then on its cell is interrupted. */
class RunInterrupts implements Interrupts {
  readonly #starting = new AbortController()
  readonly #exitStatus: () => number | undefined
  readonly #onDispose: () => void
  #execution: NotebookExecution | undefined
  #why: string | undefined

  constructor(exitStatus: () => number | undefined, onDispose: () => void) {
    this.#exitStatus = exitStatus
    this.#onDispose = onDispose
  }

  get starting(): AbortSignal {
    return this.#starting.signal
  }

  get exitStatus(): number | undefined {
    return this.#exitStatus()
  }

  running(execution: NotebookExecution): void {
    this.#execution = execution
    if (this.#why !== undefined) execution.stop('interrupt')
  }

  stop(why: string): void {
    this.#why ??= why
    if (this.#execution) this.#execution.stop('interrupt')
    // its session has this signal as well, so it must not come while cells run
    else this.#starting.abort(new CgpuError(why, {code: 'INTERRUPTED', category: 'runtime', exit: this.exitStatus ?? 130}))
  }

  leave(): void {
    this.#execution?.leave()
  }

  dispose(): void {
    this.#onDispose()
  }
}
