import {type Translator, plainName} from '../translator.ts'
import {alike, cNamed, floatIn, hex, quotedBy, type Value} from '../value.ts'

const quoted = (text: string): string => quotedBy(text, {named: cNamed, code: (code) => (code < 65_536 ? `\\u${hex(code, 4)}` : `\\U${hex(code, 8)}`)})

function literal(value: Value): string {
  if (value === null) return 'None'
  if (typeof value === 'boolean') return String(value)
  if (typeof value === 'bigint') return BigInt.asIntN(32, value) === value ? String(value) : BigInt.asIntN(64, value) === value ? `${value}L` : `${value}I`
  if (typeof value === 'number') return floatIn(value, ['nan', 'infinity', '-infinity'])
  if (typeof value === 'string') return quoted(value)
  if (Array.isArray(value)) return value.length === 0 ? '([]: obj list)' : `[ ${value.map((one) => (oneType(value) ? literal(one) : boxed(one))).join('; ')} ]`
  return `Map.ofList [ ${Object.entries(value).map(([key, one]) => `(${quoted(key)}, ${boxed(one)})`).join('; ')} ]`
}

/** A list has one type, and whole numbers have three. */
const oneType = (values: readonly Value[]): boolean => alike(values) && new Set(values.map((value) => (typeof value === 'bigint' ? /\D?$/.exec(literal(value))?.[0] : ''))).size === 1

/** As an object, in brackets: `box -1` would subtract. */
const boxed = (value: Value): string => (value === null ? 'null' : `box (${literal(value)})`)

export const fsharp: Translator = {
  title: 'F#',
  known: /^(\.net-fsharp|f#|fsharp|ifsharp)$/,
  comment: '//',
  nameOf: plainName,
  literal,
  assign: (name, value) => `let ${name}${value === null ? ': obj option' : ''} = ${isEmptyMap(value) ? '(Map.empty: Map<string, obj>)' : literal(value)}`,
  assignment: /^let\s+(?:mutable\s+)?(?<name>[\p{L}_][\p{L}\p{N}_']*)\s*(?::\s*(?<annotation>[^=]+?)\s*)?=\s*(?<rest>.+)$/su,
  quotes: '"',
}

const isEmptyMap = (value: Value): boolean => typeof value === 'object' && value !== null && !Array.isArray(value) && Object.keys(value).length === 0
