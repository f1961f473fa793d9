import {type Translator, plainName} from '../translator.ts'
import {cNamed, floatIn, quotedBy, utf16, type Value} from '../value.ts'

const quoted = (text: string): string => quotedBy(text, {named: cNamed, code: utf16})

function literal(value: Value): string {
  if (value === null) return 'None'
  if (typeof value === 'boolean') return String(value)
  if (typeof value === 'bigint') return BigInt.asIntN(32, value) === value ? String(value) : BigInt.asIntN(64, value) === value ? `${value}L` : `BigInt("${value}")`
  if (typeof value === 'number') return floatIn(value, ['Double.NaN', 'Double.PositiveInfinity', 'Double.NegativeInfinity'])
  if (typeof value === 'string') return quoted(value)
  // without its type a list may make its elements alike: Seq(1, 2.0) is Seq(1.0, 2.0) there
  if (Array.isArray(value)) return `Seq${new Set(value.map((one) => typeof one)).size > 1 ? '[Any]' : ''}(${value.map(literal).join(', ')})`
  return `Map[String, Any](${Object.entries(value).map(([key, one]) => `${quoted(key)} -> ${literal(one)}`).join(', ')})`
}

export const scala: Translator = {
  title: 'Scala',
  known: /^(.*scala.*|almond.*|spylon.*|spark(?!r).*)$/,
  comment: '//',
  nameOf: plainName,
  literal,
  assign: (name, value) => `val ${name} = ${literal(value)}`,
  assignment: /^(?:(?:lazy\s+)?va[lr]\s+)?(?<name>[\p{L}_$][\p{L}\p{N}_$]*)\s*(?::\s*(?<annotation>[^=]+?)\s*)?=(?![=>])\s*(?<rest>.+?);?$/su,
  quotes: '"',
}
