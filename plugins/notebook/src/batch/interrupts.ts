import {constants} from 'node:os'
import {CgpuError} from '@cgpu/plugin-sdk'
import type {Interrupts} from '../run/signals.ts'
import type {NotebookExecution} from '../run/run-notebook.ts'

const names = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const

/** What ends the runs of a batch early: a signal (the first Ctrl-C interrupts the cells, everything else leaves them), or a run that failed. */
export class BatchInterrupts {
  readonly #starting = new AbortController()
  readonly #executions = new Set<NotebookExecution>()
  readonly #notice: (message: string) => void
  #got: NodeJS.Signals | undefined

  constructor(notice: (message: string) => void) {
    this.#notice = notice
    for (const name of names) process.on(name, this.#on)
  }

  /** Nothing more is to be begun. */
  get stopped(): boolean {
    return this.#starting.signal.aborted
  }

  /** 128 + n, of the signal that ended it */
  get exitStatus(): number | undefined {
    return this.#got && 128 + (constants.signals[this.#got] ?? 2)
  }

  /** Interrupts what runs, and lets nothing more begin. */
  stop(why: string): void {
    this.#starting.abort(new CgpuError(why, {code: 'INTERRUPTED', category: 'runtime', exit: this.exitStatus ?? 130}))
    for (const execution of this.#executions) execution.stop('interrupt')
  }

  /** For one run. */
  get forRun(): Interrupts {
    let mine: NotebookExecution | undefined
    const exitStatus = (): number | undefined => this.exitStatus
    return {
      starting: this.#starting.signal,
      get exitStatus() {
        return exitStatus()
      },
      running: (execution) => {
        mine = execution
        this.#executions.add(execution)
        if (this.stopped) execution.stop('interrupt')
      },
      dispose: () => void (mine && this.#executions.delete(mine)),
    }
  }

  dispose(): void {
    for (const name of names) process.off(name, this.#on)
  }

  readonly #on = (name: NodeJS.Signals): void => {
    const again = this.#got !== undefined
    this.#got ??= name
    const leaves = again || name !== 'SIGINT'
    if (!leaves && this.#executions.size > 0) this.#notice('interrupting all notebooks; Ctrl-C again stops waiting for them')
    this.stop('interrupted before the notebook ran')
    if (leaves) for (const execution of this.#executions) execution.leave()
  }
}
