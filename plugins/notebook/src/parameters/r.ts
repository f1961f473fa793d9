import {floatText, quoted, type Value} from './python.ts'

export function rLiteral(value: Value): string {
  if (value === null) return 'NULL'
  if (typeof value === 'boolean') return value ? 'TRUE' : 'FALSE'
  if (typeof value === 'bigint') return String(value)
  if (typeof value === 'number') return Number.isFinite(value) ? floatText(value) : Number.isNaN(value) ? 'NaN' : value > 0 ? 'Inf' : '-Inf'
  if (typeof value === 'string') return quoted(value, {wideBytes: true}) // R takes \x for a byte
  if (Array.isArray(value)) return `list(${value.map(rLiteral).join(', ')})`
  return `list(${Object.entries(value).map(([key, one]) => `${quoted(key, {wideBytes: true})} = ${rLiteral(one)}`).join(', ')})`
}
