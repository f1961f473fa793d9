import {errors} from '@cgpu/plugin-sdk'
import {type Translator, plainName} from '../translator.ts'
import {floatIn, kindOf, type Value} from '../value.ts'

function quoted(text: string): string {
  if (text.includes('\0')) throw errors.usage('a variable of Bash cannot hold a NUL character', {code: 'INVALID_PARAMETER', fix: 'leave it out'})
  return /^[\w./:@%+-]+$/.test(text) ? text : `'${text.replaceAll("'", `'"'"'`)}'`
}

const isScalar = (value: Value): boolean => kindOf(value) !== undefined

/** All values are text there. A list is an array, a map an associative one; what is nested in them is JSON. */
function literal(value: Value): string {
  if (value === null) return "''"
  if (typeof value === 'boolean' || typeof value === 'bigint') return String(value)
  if (typeof value === 'number') return floatIn(value, ['nan', 'inf', '-inf'])
  if (typeof value === 'string') return quoted(value)
  if (Array.isArray(value)) return value.every(isScalar) ? `(${value.map(literal).join(' ')})` : quoted(json(value))
  return isMap(value) ? `(${Object.entries(value).map(([key, one]) => `['${key.replaceAll("'", `'"'"'`)}']=${literal(one)}`).join(' ')})` : quoted(json(value))
}

/** Whether an associative array can hold it. */
const isMap = (value: Value): boolean =>
  typeof value === 'object' && value !== null && !Array.isArray(value) && Object.values(value).every(isScalar) && Object.keys(value).every((key) => key !== '' && !/[\0"$`\\[\]]/.test(key))

/** With all digits of whole numbers; other numbers as Python has them. */
function json(value: Value): string {
  if (Array.isArray(value)) return `[${value.map(json).join(', ')}]`
  if (typeof value === 'object' && value !== null) return `{${Object.entries(value).map(([key, one]) => `${JSON.stringify(key)}: ${json(one)}`).join(', ')}}`
  return typeof value === 'bigint' ? String(value) : typeof value === 'number' ? floatIn(value, ['NaN', 'Infinity', '-Infinity']) : JSON.stringify(value)
}

export const bash: Translator = {
  title: 'Bash',
  known: /^(bash|xbash|sh|shell)$/,
  comment: '#',
  nameOf: plainName,
  literal,
  assign: (name, value) => (isMap(value) ? `declare -A ${name}=${literal(value)}` : `${name}=${literal(value)}`),
  assignment: /^(?:(?:export|readonly|(?:declare|typeset)(?:\s+-\w+)*)\s+)?(?<name>[A-Za-z_]\w*)=(?<rest>.*?);?$/s,
}
