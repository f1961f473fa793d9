import {uptime} from 'node:os'
import {setTimeout as delay} from 'node:timers/promises'

/** Time and chance, as tests replace them. Milliseconds. */
export interface Effects {
  /** since the machine booted: the same for all processes, and no clock setting moves it */
  uptime(): number
  /** wall clock */
  wall(): number
  /** Throws the signal's reason when it is aborted. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>
  /** [0, 1) */
  random(): number
}

export const realEffects: Effects = {
  uptime: () => uptime() * 1000,
  wall: () => Date.now(),
  random: () => Math.random(),
  async sleep(ms, signal) {
    signal?.throwIfAborted()
    try {
      await delay(ms, undefined, signal ? {signal} : {})
    } catch (error) {
      signal?.throwIfAborted()
      throw error
    }
  },
}
