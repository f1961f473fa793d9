import {errors} from '@cgpu/plugin-sdk'

const units: Record<string, number> = {'': 1000, ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000}

/** `90s`, `10m`, `1.5h`, or a plain number of seconds, in milliseconds. Throws INVALID_DURATION (64). */
export function parseDuration(text: string): number {
  const [, number = '', unit = ''] = /^(\d+(?:\.\d+)?)(ms|s|m|h|d)?$/.exec(text.trim()) ?? []
  const value = Number(number) * (units[unit] ?? Number.NaN)
  if (number !== '' && value > 0 && value <= 2 ** 31 - 1) return Math.max(1, Math.round(value))
  throw errors.usage(`${JSON.stringify(text).slice(0, 60)} is not a time`, {code: 'INVALID_DURATION', fix: 'give a number of seconds, or such as 90s, 10m, 2h; at most 24 days'})
}
