import type {Translator} from '../translator.ts'
import {cNamed, floatIn, hex, quotedBy, type Value} from '../value.ts'

/** Text in double quotes as Python's `unicode_escape` writes it. */
const quoted = (text: string): string => quotedBy(text, {
  named: cNamed, code: (code) => (code < 256 ? `\\x${hex(code, 2)}` : code < 65_536 ? `\\u${hex(code, 4)}` : `\\U${hex(code, 8)}`),
})

export function pythonLiteral(value: Value): string {
  if (value === null) return 'None'
  if (typeof value === 'boolean') return value ? 'True' : 'False'
  if (typeof value === 'bigint') return String(value)
  if (typeof value === 'number') return floatIn(value, ["float('nan')", "float('inf')", "float('-inf')"])
  if (typeof value === 'string') return quoted(value)
  if (Array.isArray(value)) return `[${value.map(pythonLiteral).join(', ')}]`
  return `{${Object.entries(value).map(([key, one]) => `${quoted(key)}: ${pythonLiteral(one)}`).join(', ')}}`
}

const keywords = new Set(('False None True and as assert async await break class continue def del elif else except finally for from global if import in is ' +
  'lambda nonlocal not or pass raise return try while with yield').split(' '))

export const python: Translator = {
  title: 'Python',
  known: /^(i?python.*|xeus-python|xpython|pyspark.*)$/,
  comment: '#',
  nameOf: (name) => (/^[\p{L}_][\p{L}\p{N}_]*$/u.test(name) && !keywords.has(name) ? name : undefined),
  literal: pythonLiteral,
  assignment: /^(?<name>[\p{L}_][\p{L}\p{N}_]*)\s*(?::\s*(?<annotation>[^=]+?)\s*)?=(?!=)\s*(?<rest>.+)$/su,
}
