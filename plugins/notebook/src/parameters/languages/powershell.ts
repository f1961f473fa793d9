import {type Translator, plainName} from '../translator.ts'
import {floatIn, hex, quotedBy, type Value} from '../value.ts'

const named = {'`': '``', '"': '`"', $: '`$', '\n': '`n', '\r': '`r', '\t': '`t', '\0': '`0'}
const quoted = (text: string): string => quotedBy(text, {named, code: (code) => `\`u{${hex(code, 1)}}`})

function literal(value: Value): string {
  if (value === null) return '$null'
  if (typeof value === 'boolean') return value ? '$true' : '$false'
  if (typeof value === 'bigint') return BigInt.asIntN(64, value) === value ? String(value) : `[System.Numerics.BigInteger]::Parse("${value}")`
  if (typeof value === 'number') return floatIn(value, ['[double]::NaN', '[double]::PositiveInfinity', '[double]::NegativeInfinity'])
  if (typeof value === 'string') return quoted(value)
  // a list that is the only one in its list would be taken apart
  if (Array.isArray(value)) return `@(${value.length === 1 && Array.isArray(value[0]) ? ',' : ''}${value.map(literal).join(', ')})`
  return `@{${Object.entries(value).map(([key, one]) => `${quoted(key)} = ${literal(one)}`).join('; ')}}`
}

export const powershell: Translator = {
  title: 'PowerShell',
  known: /^(\.net-pwsh|\.net-powershell|powershell.*|pwsh)$/,
  comment: '#',
  nameOf: (name) => plainName(name) && `$${name}`,
  literal,
  assignment: /^(?:\[(?<annotation>[\w.[\]]+)\]\s*)?\$(?<name>\w+)\s*=\s*(?<rest>.+?);?$/s,
}
