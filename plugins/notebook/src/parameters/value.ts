/** A value of a parameter: whole numbers are bigints, floats numbers, so that `1.0` stays one. */
export type Value = null | boolean | bigint | number | string | Value[] | {[key: string]: Value}

/** What kind of scalar it is; lists and maps have none in common. */
export function kindOf(value: Value): 'null' | 'bool' | 'int' | 'float' | 'text' | undefined {
  if (value === null) return 'null'
  switch (typeof value) {
    case 'boolean': return 'bool'
    case 'bigint': return 'int'
    case 'number': return 'float'
    case 'string': return 'text'
    default: return undefined
  }
}

/** Whether all are scalars of one kind, so that a typed language can have them in one list without changing any. */
export function alike(values: readonly Value[]): boolean {
  const kinds = new Set(values.map(kindOf))
  return values.length > 0 && kinds.size === 1 && !kinds.has(undefined) && !kinds.has('null')
}

/** A finite float as Python prints it, which every language here reads. */
export function floatText(value: number): string {
  const [digits = '', power = '0'] = value.toExponential().split('e')
  const exponent = Number(power)
  if (value !== 0 && (exponent < -4 || exponent >= 16)) return `${digits}e${exponent < 0 ? '-' : '+'}${String(Math.abs(exponent)).padStart(2, '0')}`
  const plain = Object.is(value, -0) ? '-0' : String(value)
  return /[.e]/.test(plain) ? plain : `${plain}.0`
}

/** A float, or what the language calls those that are no numbers. */
export const floatIn = (value: number, [nan, infinity, minusInfinity]: readonly [nan: string, infinity: string, minusInfinity: string]): string =>
  Number.isFinite(value) ? floatText(value) : Number.isNaN(value) ? nan : value > 0 ? infinity : minusInfinity

export interface Escapes {
  /** characters that stand for themselves nowhere, and how they are written */
  named: Readonly<Record<string, string>>
  /** any other that is not printable ASCII, by its code point */
  code: (code: number) => string
}

/** Text between double quotes, in printable ASCII alone, so that neither the kernel's encoding nor its parser can take it for anything else. */
export function quotedBy(text: string, {named, code}: Escapes): string {
  let out = ''
  for (const character of text) {
    const point = character.codePointAt(0) ?? 0
    out += named[character] ?? (point >= 32 && point < 127 ? character : code(point))
  }
  return `"${out}"`
}

export const hex = (code: number, digits: number): string => code.toString(16).padStart(digits, '0')
/** `\u` for each unit of UTF-16. */
export const utf16 = (code: number): string => String.fromCodePoint(code).split('').map((unit) => `\\u${hex(unit.charCodeAt(0), 4)}`).join('')
export const cNamed: Readonly<Record<string, string>> = {'\\': '\\\\', '"': '\\"', '\n': '\\n', '\r': '\\r', '\t': '\\t'}
