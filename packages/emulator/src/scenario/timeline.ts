import type {Clock} from '../contract.ts'
import type {Call} from '../frame/frame.ts'
import {matcherOf, type ScenarioEvent, type TimelineStep} from './schema.ts'

interface Counting {
  matches: (call: Call) => boolean
  left: number
  event: ScenarioEvent
}

/** The steps of a scenario that are still to come. */
export class Timeline {
  readonly #clock: Clock
  readonly #happen: (event: ScenarioEvent) => void | Promise<void>
  #cancels: (() => void)[] = []
  #counting: Counting[] = []
  #pending = 0

  constructor(clock: Clock, happen: (event: ScenarioEvent) => void | Promise<void>) {
    this.#clock = clock
    this.#happen = happen
  }

  /** Steps that have not happened yet. */
  get pending(): number {
    return this.#pending + this.#counting.length
  }

  /** Begins with these steps, now, and forgets those before. */
  begin(steps: readonly TimelineStep[]): void {
    this.clear()
    const start = this.#clock.now()
    for (const {at, after, ...event} of steps) {
      if (after !== undefined) {
        this.#counting.push({matches: matcherOf(after), left: after.calls, event})
      } else if (at !== undefined) {
        this.#pending++
        this.#cancels.push(this.#clock.at(start + at, () => {
          this.#pending--
          return this.#happen(event)
        }))
      }
    }
  }

  clear(): void {
    for (const cancel of this.#cancels.splice(0)) cancel()
    this.#counting = []
    this.#pending = 0
  }

  /** A call was answered. */
  answered(call: Call): void {
    const due = this.#counting.filter((one) => one.matches(call) && --one.left <= 0)
    this.#counting = this.#counting.filter((one) => !due.includes(one))
    for (const one of due) {
      // an event that fails must not fail the call that it follows
      Promise.resolve().then(() => this.#happen(one.event)).catch((error: unknown) => process.emitWarning(error instanceof Error ? error : String(error)))
    }
  }
}
