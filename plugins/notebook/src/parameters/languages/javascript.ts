import type {Translator} from '../translator.ts'
import {floatIn, type Value} from '../value.ts'

/** JSON is JavaScript since 2019; older engines take these two for the end of a line. */
const quoted = (text: string): string => JSON.stringify(text).replace(/[\u2028\u2029]/g, (one) => `\\u${one.charCodeAt(0).toString(16)}`)
/** Plainly, that name would be its prototype. */
const key = (name: string): string => (name === '__proto__' ? '["__proto__"]' : quoted(name))

function literal(value: Value): string {
  if (value === null) return 'null'
  if (typeof value === 'boolean') return String(value)
  if (typeof value === 'bigint') return Number.isSafeInteger(Number(value)) ? String(value) : `${value}n`
  if (typeof value === 'number') return floatIn(value, ['NaN', 'Infinity', '-Infinity'])
  if (typeof value === 'string') return quoted(value)
  if (Array.isArray(value)) return `[${value.map(literal).join(', ')}]`
  return `{${Object.entries(value).map(([name, one]) => `${key(name)}: ${literal(one)}`).join(', ')}}`
}

/** Not declared anew: what the notebook declares, by `let` or `var`, cannot be declared twice. */
export const javascript: Translator = {
  title: 'JavaScript',
  known: /^(.*javascript.*|.*typescript.*|tslab|jslab|deno|nodejs|node|js|ts)$/,
  comment: '//',
  nameOf: (name) => (/^[\p{L}_$][\p{L}\p{N}_$]*$/u.test(name) ? name : undefined),
  literal,
  assign: (name, value) => `${name} = ${literal(value)};`,
  assignment: /^(?:(?:let|var|const)\s+)?(?<name>[\p{L}_$][\p{L}\p{N}_$]*)\s*(?::\s*(?<annotation>[^=]+?)\s*)?=(?![=>])\s*(?<rest>.+?);?$/su,
  quotes: '"\'`',
}
