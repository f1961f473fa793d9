import {isOfOther, livesHere} from '../state/self.ts'
import type {JobRecord} from './record.ts'

/** The command that runs it is there, and does what has to be done at its end. */
export function isFollowed({detached, starter}: JobRecord): boolean {
  return !detached && starter !== undefined && starter.pid !== process.pid && livesHere(starter)
}

/** Nobody saw to its end: its outputs are not here, and nobody is there who would bring them by itself. */
export function isUnseen(record: JobRecord): boolean {
  return record.settledAt === undefined && record.collectedAt === undefined && !isFollowed(record)
}

/** Something is left to do, by whoever comes by: it was left on purpose, or the command that followed it was killed. */
export function isLeft(record: JobRecord): boolean {
  const {detached, starter, settledAt} = record
  return settledAt === undefined && (detached || (!isFollowed(record) && !(starter && isOfOther(starter))))
}

/** Whoever starts it says when it runs. */
export function isBeingStarted({remoteCwd, starter}: JobRecord): boolean {
  return remoteCwd === undefined && starter !== undefined && livesHere(starter)
}
