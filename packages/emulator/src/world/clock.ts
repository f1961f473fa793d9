import type {Clock} from '../contract.ts'

interface Entry {
  time: number
  order: number
  what: () => void | Promise<void>
}

/** setTimeout takes 31 bits. */
const longest = 2 ** 31 - 1

/**
 * Real time plus what `advance` added; it never goes back. Due entries run one after another, in order of time, then of
 * being asked for. What runs must not await `advance`. Timers keep no process alive.
 */
export function createClock(): Clock {
  let offset = 0
  let order = 0
  let timer: NodeJS.Timeout | undefined
  let queue: Promise<unknown> = Promise.resolve()
  const entries: Entry[] = []
  const now = (): number => Date.now() + offset

  const arm = (): void => {
    clearTimeout(timer)
    const next = entries[0]
    if (next === undefined) return
    timer = setTimeout(() => void queued(() => drain(now())).catch(warn), Math.min(Math.max(0, next.time - now()), longest))
    timer.unref()
  }

  const drain = async (until: number): Promise<void> => {
    const failures: unknown[] = []
    for (let entry = entries[0]; entry !== undefined && entry.time <= until; entry = entries[0]) {
      entries.shift()
      offset += Math.max(0, entry.time - now())
      try {
        await entry.what()
      } catch (error) {
        failures.push(error)
      }
    }
    offset += Math.max(0, until - now())
    arm()
    if (failures.length > 0) throw failures.length === 1 ? failures[0] : new AggregateError(failures, 'several timers of the emulator failed')
  }

  const queued = (task: () => Promise<void>): Promise<void> => {
    const result = queue.then(task)
    queue = result.catch(() => undefined)
    return result
  }

  return {
    now,
    at(time, what) {
      const entry = {time, order: order++, what}
      const index = entries.findIndex((other) => other.time > time)
      entries.splice(index === -1 ? entries.length : index, 0, entry)
      arm()
      return () => {
        const place = entries.indexOf(entry)
        if (place !== -1) entries.splice(place, 1)
      }
    },
    advance(ms) {
      if (!(ms >= 0 && Number.isFinite(ms))) throw new RangeError(`the clock only goes ahead, not by ${String(ms)} ms`)
      return queued(() => drain(now() + Math.round(ms)))
    },
  }
}

function warn(error: unknown): void {
  process.emitWarning(error instanceof Error ? error : new Error(String(error)))
}
