import {type CgpuError, errors} from '../errors.ts'
import {isOver, type JobRecord} from './record.ts'

/** How often it may still be given another machine. */
export function movesLeft({request, moves = 0}: Pick<JobRecord, 'request' | 'moves'>): number {
  return (request.restarts?.max ?? 0) - moves
}

/** longer than the lease of a machine that was made for a job: one that can only fail does not keep it for ever */
const longestPauseMs = 30 * 60_000

/** How long to wait after so many tries that came to nothing, before the next one. */
export function moveAgainAfterMs(tries: number, firstMs = 10_000): number {
  return Math.min(longestPauseMs, firstMs * 2 ** tries)
}

/** Whether it is worth another machine when its own is taken away: it ran there, and may be started again. */
export function mayMove(record: Pick<JobRecord, 'request' | 'moves' | 'remoteCwd'>): boolean {
  return record.remoteCwd !== undefined && movesLeft(record) > 0
}

/** Whether somebody may try by hand: tries of the daemon that came to nothing do not count then. */
export function mayMoveByHand(record: Pick<JobRecord, 'request' | 'moves' | 'failedMoves' | 'remoteCwd'>): boolean {
  return record.request.restarts !== undefined && record.remoteCwd !== undefined && movesLeft(record) + (record.failedMoves ?? 0) > 0
}

/** Nobody settled it or gave it another machine since it was read. */
export function isWhereItWas({id, runtime, settledAt}: JobRecord, before: JobRecord): boolean {
  return id === before.id && runtime.id === before.runtime.id && settledAt === before.settledAt
}

/**
 * Whether a job whose machine is gone may be given another one, by what is remembered of it. One that counts as lost may: somebody
 * may know what the daemon did not. Throws JOB_OVER, JOB_NOT_BEGUN (72), NOT_RESTARTABLE (64) and NO_RESTARTS_LEFT (71).
 */
export function refuseMove(record: JobRecord): void {
  const {id, seen, request, remoteCwd} = record
  const again = `run it again: cgpu job retry ${id}`
  const details = {id}
  if (isOver(seen?.state) && (seen?.state !== 'lost' || seen.reason === 'cancelled')) throw jobOver(record)
  if (!request.restarts) throw errors.usage(`the job ${id} was started without --max-restarts`, {code: 'NOT_RESTARTABLE', fix: again, details})
  if (remoteCwd === undefined) throw errors.conflict(`the job ${id} never began`, {code: 'JOB_NOT_BEGUN', fix: again, details})
  if (mayMoveByHand(record)) return
  throw errors.lost(`the job ${id} has no restarts left of its ${request.restarts.max}`, {code: 'NO_RESTARTS_LEFT', fix: again, details})
}

export function jobOver({id}: Pick<JobRecord, 'id'>): CgpuError {
  return errors.conflict(`the job ${id} is over`, {code: 'JOB_OVER', fix: `how it ended: cgpu job show ${id}`, details: {id}})
}

/**
 * The record of a job that goes on elsewhere. How it was last seen was on the machine that is gone; the new one is made for it, whatever
 * the former one was, and nobody follows it there.
 */
export function movedTo(record: JobRecord, runtime: JobRecord['runtime'], {realm, remoteCwd, envNames}: {realm?: string | undefined; remoteCwd: string; envNames: string[]}): JobRecord {
  const moved: JobRecord = {...record, ...(realm === undefined ? {} : {realm}), runtime, remoteCwd, request: {...record.request, envNames}, detached: true, releases: true, moves: (record.moves ?? 0) + 1}
  delete moved.seen
  delete moved.collectedAt
  delete moved.settledAt
  return moved
}
