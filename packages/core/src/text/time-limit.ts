import {errors} from '../errors.ts'
import {parseLength} from './length.ts'

/** `90s`, `10m`, `1.5h`, `1h30m`, or a plain number of seconds, in milliseconds: more than none, at most what a timer takes. Throws INVALID_DURATION (64). */
export function parseTimeLimit(text: string): number {
  const given = text.trim()
  const value = parseLength(/^[\d.]+$/.test(given) ? `${given}s` : given) ?? 0
  if (value > 0 && value <= 2 ** 31 - 1) return Math.max(1, Math.round(value))
  throw errors.usage(`${JSON.stringify(text).slice(0, 60)} is not a time`, {code: 'INVALID_DURATION', fix: 'give a number of seconds, or such as 90s, 10m, 2h; at most 24 days'})
}
