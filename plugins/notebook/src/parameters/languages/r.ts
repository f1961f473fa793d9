import {errors} from '@cgpu/plugin-sdk'
import type {Translator} from '../translator.ts'
import {cNamed, floatIn, hex, quotedBy, type Value} from '../value.ts'

/** R takes \x for a byte, and not beside \u. */
function quoted(text: string): string {
  if (text.includes('\0')) throw errors.usage('a text of R\'s cannot hold a NUL character', {code: 'INVALID_PARAMETER', fix: 'leave it out'})
  return quotedBy(text, {named: cNamed, code: (code) => (code < 65_536 ? `\\u${hex(code, 4)}` : `\\U${hex(code, 8)}`)})
}

export function rLiteral(value: Value): string {
  if (value === null) return 'NULL'
  if (typeof value === 'boolean') return value ? 'TRUE' : 'FALSE'
  if (typeof value === 'bigint') return String(value)
  if (typeof value === 'number') return floatIn(value, ['NaN', 'Inf', '-Inf'])
  if (typeof value === 'string') return quoted(value)
  if (Array.isArray(value)) return `list(${value.map(rLiteral).join(', ')})`
  if ('' in value) throw errors.usage('a name in a list of R\'s cannot be empty', {code: 'INVALID_PARAMETER', fix: 'give it a name'})
  return `list(${Object.entries(value).map(([key, one]) => `${quoted(key)} = ${rLiteral(one)}`).join(', ')})`
}

export const r: Translator = {
  title: 'R',
  known: /^(ir|r|xr|sparkr.*)$/,
  comment: '#',
  // a leading _ is not legal there; as papermill does, it is dropped
  nameOf: (name) => (/^[\p{L}._][\p{L}\p{N}._]*$/u.test(name) ? name.replace(/^_+/, '') || undefined : undefined),
  literal: rLiteral,
  assignment: /^(?<name>[\p{L}.][\p{L}\p{N}._]*)\s*(?:=(?!=)|<<?-)\s*(?<rest>.+)$/su,
}
