import {type Translator, plainName} from '../translator.ts'
import {alike, cNamed, floatIn, hex, quotedBy, type Value} from '../value.ts'

/** \x takes as many digits as follow. */
const quoted = (text: string): string => quotedBy(text, {named: cNamed, code: (code) => (code < 65_536 ? `\\u${hex(code, 4)}` : `\\U${hex(code, 8)}`)})

function literal(value: Value): string {
  if (value === null) return 'null'
  if (typeof value === 'boolean') return String(value)
  if (typeof value === 'bigint') return BigInt.asIntN(32, value) === value ? String(value) : BigInt.asIntN(64, value) === value ? `${value}L` : `System.Numerics.BigInteger.Parse("${value}")`
  if (typeof value === 'number') return floatIn(value, ['double.NaN', 'double.PositiveInfinity', 'double.NegativeInfinity'])
  if (typeof value === 'string') return quoted(value)
  if (Array.isArray(value)) return `new ${alike(value) ? '' : 'object'}[] { ${value.map(literal).join(', ')} }`
  return `new System.Collections.Generic.Dictionary<string, object> { ${Object.entries(value).map(([key, one]) => `{ ${quoted(key)}, ${literal(one)} }`).join(', ')} }`
}

export const csharp: Translator = {
  title: 'C#',
  known: /^(\.net-csharp|c#|csharp)$/,
  comment: '//',
  nameOf: plainName,
  literal,
  assign: (name, value) => `${value === null ? 'object' : 'var'} ${name} = ${literal(value)};`,
  assignment: /^(?:(?:var|(?<annotation>[\p{L}_][\p{L}\p{N}_.<>,?[\] ]*?))\s+)?(?<name>[\p{L}_][\p{L}\p{N}_]*)\s*=(?![=>])\s*(?<rest>.+?);?$/su,
}
