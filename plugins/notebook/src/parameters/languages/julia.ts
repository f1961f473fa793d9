import type {Translator} from '../translator.ts'
import {alike, cNamed, floatIn, hex, quotedBy, type Value} from '../value.ts'

/** `$` would insert a variable, and \x is a byte. */
const quoted = (text: string): string => quotedBy(text, {named: {...cNamed, $: '\\$'}, code: (code) => (code < 128 ? `\\x${hex(code, 2)}` : code < 65_536 ? `\\u${hex(code, 4)}` : `\\U${hex(code, 8)}`)})

function literal(value: Value): string {
  if (value === null) return 'nothing'
  if (typeof value === 'boolean' || typeof value === 'bigint') return String(value)
  if (typeof value === 'number') return floatIn(value, ['NaN', 'Inf', '-Inf'])
  if (typeof value === 'string') return quoted(value)
  // without its type a list makes its elements alike: [true, 2] is [1, 2] there
  if (Array.isArray(value)) return `${alike(value) ? '' : 'Any'}[${value.map(literal).join(', ')}]`
  return `Dict{String, Any}(${Object.entries(value).map(([key, one]) => `${quoted(key)} => ${literal(one)}`).join(', ')})`
}

export const julia: Translator = {
  title: 'Julia',
  known: /^julia.*$/,
  comment: '#',
  nameOf: (name) => (/^[\p{L}_][\p{L}\p{N}_!]*$/u.test(name) ? name : undefined),
  literal,
  assignment: /^(?:(?:const|global)\s+)?(?<name>[\p{L}_][\p{L}\p{N}_!]*)\s*(?:::\s*(?<annotation>[^=]+?)\s*)?=(?!=)\s*(?<rest>.+)$/su,
  quotes: '"', // ' is a transposed matrix too
}
