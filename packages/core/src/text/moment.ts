import {errors} from '../errors.ts'
import {parseLength} from './length.ts'

const fix = 'give how long ago, such as 90s, 10m, 2h, 7d, or a date such as 2026-11-28 or 2026-11-28T16:00'

/**
 * A point in time as people give it, in ms since 1970: `10m` or `1h30m` (so long ago), `2026-11-22` (its start, here), or an ISO
 * time, by this machine's clock where it names no zone. Throws INVALID_TIME (64).
 */
export function parseMoment(text: string, now = Date.now()): number {
  const trimmed = text.trim()
  const length = parseLength(trimmed)
  if (length !== undefined) return now - length
  // a date alone would be read as midnight in Greenwich
  const local = /^\d{4}-\d\d-\d\d$/.test(trimmed) ? `${trimmed}T00:00` : trimmed.replace(' ', 'T')
  const time = /^\d{4}-\d\d-\d\d(T|$)/.test(local) ? Date.parse(local) : Number.NaN
  if (Number.isFinite(time)) return time
  throw errors.usage(`${JSON.stringify(text).slice(0, 60)} is not a time`, {code: 'INVALID_TIME', fix})
}
