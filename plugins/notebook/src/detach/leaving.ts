import {constants} from 'node:os'
import {CgpuError} from '@cgpu/plugin-sdk'

const names = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const

/** Ctrl-C, a closed terminal and a request to end stop following, and nothing else. */
export class Leaving {
  readonly #abort = new AbortController()
  readonly #say: () => string

  /** `say`: what becomes of the work */
  constructor(say: () => string) {
    this.#say = say
    for (const name of names) process.on(name, this.#on)
  }

  get signal(): AbortSignal {
    return this.#abort.signal
  }

  dispose(): void {
    for (const name of names) process.off(name, this.#on)
  }

  readonly #on = (name: NodeJS.Signals): void => {
    this.#abort.abort(new CgpuError(`left; ${this.#say()}`, {code: 'INTERRUPTED', category: 'runtime', exit: 128 + constants.signals[name], details: {signal: name}}))
  }
}
