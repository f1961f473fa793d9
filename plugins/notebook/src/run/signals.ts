import {constants} from 'node:os'
import {CgpuError} from '@cgpu/plugin-sdk'
import type {NotebookExecution} from './run-notebook.ts'

/** Who may end a run from outside. */
export interface Interrupts {
  /** aborts when it is to end before the notebook runs */
  readonly starting: AbortSignal
  /** 128 + n, of the signal that ended it */
  readonly exitStatus: number | undefined
  running(execution: NotebookExecution): void
  dispose(): void
}

/** What signals do while a notebook runs: the first Ctrl-C interrupts the cell, everything else stops waiting for it; the copy is written either way. */
export class Signals implements Interrupts {
  #execution: NotebookExecution | undefined
  #got: NodeJS.Signals | undefined
  readonly #starting = new AbortController()
  readonly #notice: (message: string) => void

  constructor(notice: (message: string) => void) {
    this.#notice = notice
    for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(name, this.#on)
  }

  get starting(): AbortSignal {
    return this.#starting.signal
  }

  get exitStatus(): number | undefined {
    return this.#got && 128 + (constants.signals[this.#got] ?? 2)
  }

  running(execution: NotebookExecution): void {
    this.#execution = execution
    if (this.#got) execution.stop('interrupt')
  }

  dispose(): void {
    for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.off(name, this.#on)
  }

  readonly #on = (name: NodeJS.Signals): void => {
    const again = this.#got !== undefined
    this.#got ??= name
    if (!this.#execution) {
      this.#starting.abort(new CgpuError('interrupted before the notebook ran', {code: 'INTERRUPTED', category: 'runtime', exit: 130, details: {signal: name}}))
    } else if (again || name !== 'SIGINT') this.#execution.leave()
    else {
      this.#notice('interrupting the cell; Ctrl-C again stops waiting for it')
      this.#execution.stop('interrupt')
    }
  }
}
