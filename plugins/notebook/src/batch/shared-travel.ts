import {folderOf, planTravel, type Travel, type TravelFlags} from '../travel/travel.ts'
import type {PlannedRun} from './run.ts'

export interface SharedTravelOptions {
  flags: TravelFlags
  warn: (message: string) => void
  /** default: `planTravel` */
  plan?: typeof planTravel
}

/** What travels with the runs of a batch. Files are sent to each runtime once, however many runs of the same folder need them there. */
export class SharedTravel {
  readonly #sent = new Map<string, Promise<void>>()
  readonly #options: SharedTravelOptions

  constructor(options: SharedTravelOptions) {
    this.#options = options
  }

  /** Undefined: nothing travels. Throws what `planTravel` does. */
  async of({notebook, output, label, fetch, fetchTo}: PlannedRun): Promise<Travel | undefined> {
    const {flags, warn, plan = planTravel} = this.#options
    const travel = await plan({notebook, output, flags: {...flags, fetch, 'fetch-to': fetchTo}, onWarning: (message) => warn(`${label}: ${message}`)})
    return travel && {
      send: (runtime, signal) => this.#once(`${runtime}\0${folderOf(notebook)}`, () => travel.send(runtime, signal)),
      fetch: (runtime) => travel.fetch(runtime),
    }
  }

  /** What failed is tried again by the next. */
  #once(key: string, send: () => Promise<void>): Promise<void> {
    const before = this.#sent.get(key)
    if (before) return before
    const sending = send()
    this.#sent.set(key, sending)
    sending.catch(() => this.#sent.delete(key))
    return sending
  }
}
