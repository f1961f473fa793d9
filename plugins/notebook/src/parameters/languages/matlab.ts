import {type Translator, plainName} from '../translator.ts'
import {cNamed, floatIn, quotedBy, type Value} from '../value.ts'

/** Text of MATLAB's: it knows no escapes, a quote is doubled, and what is not printable is joined on. */
function matlabText(text: string): string {
  const parts = text.split(/([\0-\x1F\x7F])/).map((part, index) => (index % 2 === 1 ? `char(${part.charCodeAt(0)})` : `"${part.replaceAll('"', '""')}"`))
  return parts.length === 1 ? (parts[0] ?? '') : `(${parts.join(' + ')})`
}

/** Octave takes text in double quotes as C does; other than ASCII it is bytes. */
const octaveText = (text: string): string => quotedBy(text, {
  named: cNamed, code: (code) => [...Buffer.from(String.fromCodePoint(code))].map((byte) => `\\${byte.toString(8).padStart(3, '0')}`).join(''),
})

const literalBy = (textOf: (text: string) => string, keyOf: (text: string) => string) => function literal(value: Value): string {
  if (value === null) return 'NaN' // as papermill has it: there is no other nothing
  if (typeof value === 'boolean') return String(value)
  if (typeof value === 'bigint') return integer(value)
  if (typeof value === 'number') return floatIn(value, ['NaN', 'Inf', '-Inf'])
  if (typeof value === 'string') return textOf(value)
  if (Array.isArray(value)) return `{${value.map(literal).join(', ')}}`
  const entries = Object.entries(value)
  if (entries.length === 0) return 'containers.Map()'
  return `containers.Map({${entries.map(([key]) => keyOf(key)).join(', ')}}, {${entries.map(([, one]) => literal(one)).join(', ')}}, "UniformValues", false)`
}

/** Numbers are doubles there: of more digits than those hold, a whole number's own type. */
function integer(value: bigint): string {
  if (Number.isSafeInteger(Number(value))) return String(value)
  return BigInt.asIntN(64, value) === value ? `int64(${value})` : BigInt.asUintN(64, value) === value ? `uint64(${value})` : String(value)
}

const shared = {
  comment: '%',
  nameOf: (name: string) => (/^[A-Za-z]\w*$/.test(name) ? plainName(name) : undefined),
  assignment: /^(?<name>[A-Za-z]\w*)\s*=(?!=)\s*(?<rest>.+?);?$/s,
}
const matlabLiteral = literalBy(matlabText, (key) => `char(${matlabText(key)})`)
const octaveLiteral = literalBy(octaveText, octaveText)

export const matlab: Translator = {...shared, title: 'MATLAB', known: /^(.*matlab.*|imatlab)$/, literal: matlabLiteral, assign: (name, value) => `${name} = ${matlabLiteral(value)};`}
export const octave: Translator = {...shared, title: 'Octave', known: /^(x?octave.*)$/, literal: octaveLiteral, assign: (name, value) => `${name} = ${octaveLiteral(value)};`}

