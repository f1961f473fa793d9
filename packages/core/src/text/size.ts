import {errors} from '../errors.ts'
import {sanitizeLine} from './line.ts'

const units: Record<string, number> = {'': 1, k: 1024, m: 1024 ** 2, g: 1024 ** 3, t: 1024 ** 4}

/** `512`, `10k`, `1.5G`, `2MiB`, in bytes. Throws INVALID_SIZE (64). */
export function parseSize(text: string): number {
  const [, number, unit = ''] = /^(\d{1,15}(?:\.\d{1,3})?)([kmgt]?)(?:i?b)?$/i.exec(text.trim()) ?? []
  if (number === undefined) throw errors.usage(`"${sanitizeLine(text, 60)}" is not a size`, {code: 'INVALID_SIZE', fix: 'give a number of bytes, or such as 10k, 1.5M, 2G'})
  return Math.round(Number(number) * (units[unit.toLowerCase()] ?? 1))
}
