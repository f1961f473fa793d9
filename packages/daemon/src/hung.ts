import {setTimeout as delay} from 'node:timers/promises'
import {isAlive} from '@cgpu/core/state/process'
import {type DaemonRecord, readDaemonRecord} from './place.ts'

/** one that only was slow has time to end in order, or at least to say that it does */
const patienceMs = 2_000

/**
 * Ends a daemon that does not answer; its process is checked to be it. False: it is still there. One that takes its record away has heard,
 * lets another take its place and ends by itself.
 */
export async function endHung(state: string, record: DaemonRecord): Promise<boolean> {
  for (const signal of ['SIGTERM', 'SIGKILL'] as const) {
    if (!(await isThere(state, record))) return true
    try {
      process.kill(record.pid, signal)
    } catch {
      return !(await isThere(state, record))
    }
    const deadline = performance.now() + patienceMs
    while (performance.now() < deadline) {
      if (!(await isThere(state, record))) return true
      await delay(20)
    }
  }
  return false
}

async function isThere(state: string, {pid, startTime}: DaemonRecord): Promise<boolean> {
  const now = readDaemonRecord(state)
  return typeof now !== 'string' && now.pid === pid && isAlive(pid, startTime)
}
