import {uptime} from 'node:os'

/** What tells how much time has passed. `uptime`: seconds since this machine started, which nobody can set. */
export interface Clock {
  now(): number
  uptime(): number
}

export const systemClock: Clock = {now: () => Date.now(), uptime}

/** An access token and when it was given, by this machine's clocks: how far they are off matters to nobody. */
export interface LivingToken {
  accessToken: string
  /** seconds, as the server said when it gave the token */
  expiresIn: number
  /** milliseconds since 1970, on the clock of the wall */
  receivedAt: number
  /** seconds since the machine started */
  receivedUptime: number
}

/** A token is renewed when less than this is left, or a fifth of a life that is shorter. */
const marginSeconds = 300

/**
 * Seconds that a token still lives; 0 when it does not, or when nobody can tell. What has passed is measured on both clocks,
 * and the longer time counts: a wall clock that was set back makes no token young again.
 */
export function secondsLeft(token: LivingToken, clock: Clock): number {
  const wall = (clock.now() - token.receivedAt) / 1000
  const running = clock.uptime() - token.receivedUptime
  // the machine was restarted and its clock set back
  if (wall < 0 && running < 0) return 0
  return Math.max(0, token.expiresIn - Math.max(wall, running))
}

export function isFresh(token: LivingToken, clock: Clock): boolean {
  return secondsLeft(token, clock) > Math.min(marginSeconds, token.expiresIn / 5)
}
