import {type CgpuError, errors} from '../errors.ts'
import {errnoOf} from '../state/write-error.ts'
import {didYouMean} from '../text/closest.ts'
import {sanitizeLine} from '../text/line.ts'

/** HISTORY_UNREADABLE (66). */
export function cannotRead(path: string, error: unknown): CgpuError {
  return errors.notFound(`the history ${sanitizeLine(path)} cannot be read (${errnoOf(error) ?? 'unknown'})`, {
    code: 'HISTORY_UNREADABLE', category: 'file', fix: `check who owns ${sanitizeLine(path)} and its folder`, cause: error,
  })
}

/** NOT_FOUND (66). */
export function noEntry(query: string, near: Iterable<string>): CgpuError {
  return errors.notFound(`there is no execution "${sanitizeLine(query, 60)}" in the history`, {
    code: 'NOT_FOUND', category: 'usage', fix: didYouMean(query, near) ?? 'see the ids: cgpu history list', details: {query},
  })
}

/** NO_HISTORY (66). */
export function noHistory(): CgpuError {
  return errors.notFound('there is no history yet', {code: 'NO_HISTORY', category: 'usage', fix: 'run something first: cgpu exec "print(1)"'})
}
