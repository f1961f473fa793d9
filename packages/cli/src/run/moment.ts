import {CgpuError, errors} from '@cgpu/core/errors'
import {parseTimeout} from './timeout.ts'

/** A point in time as people give it, in ms since 1970: `10m` (ago), or a date such as 2026-11-28T16:00. Throws INVALID_TIME (64). */
export function parseMoment(text: string, now = Date.now()): number {
  const trimmed = text.trim()
  if (/^\d{4}-\d{2}-\d{2}/.test(trimmed)) {
    const at = Date.parse(trimmed.replace(' ', 'T'))
    if (!Number.isNaN(at)) return at
  }
  try {
    return now - parseTimeout(trimmed)
  } catch (error) {
    if (!(error instanceof CgpuError)) throw error
    throw errors.usage(`${JSON.stringify(text).slice(0, 60)} is not a time`, {code: 'INVALID_TIME', fix: 'give how long ago, such as 90s, 10m, 2h, or a date such as 2026-11-28T16:00'})
  }
}
