import {errors} from '@cgpu/core/errors'

const units: Record<string, number> = {ms: 1, s: 1000, m: 60_000, h: 3_600_000}

/** `90s`, `10m`, `2h`, `1.5h`, or a plain number of seconds, in milliseconds. Throws INVALID_DURATION (64). */
export function parseTimeout(text: string): number {
  const match = /^(\d{1,9}(?:\.\d{1,3})?)(ms|s|m|h)?$/.exec(text.trim())
  const value = match ? Number(match[1]) * (units[match[2] ?? 's'] ?? 1000) : 0
  if (match && value > 0 && value <= 2 ** 31 - 1) return Math.max(1, Math.round(value))
  throw errors.usage(`${JSON.stringify(text).slice(0, 60)} is not a time`, {code: 'INVALID_DURATION', fix: 'give a number of seconds, or such as 90s, 10m, 2h; at most 24 days'})
}
