import {randomBytes} from '../state/random.ts'

/**
 * A new execution or job id: time first, so that ids sort by age; then 40 random bits. Matches the agent's
 * `[A-Za-z0-9_-]{1,64}`.
 */
export function newRunId(now = Date.now(), random: Uint8Array = randomBytes(5)): string {
  const time = now.toString(36).padStart(9, '0')
  return `${time}-${Buffer.from(random).toString('hex')}`
}
