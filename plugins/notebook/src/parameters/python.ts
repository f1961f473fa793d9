/** A value of a parameter: whole numbers are bigints, floats numbers, so that `1.0` stays one. */
export type Value = null | boolean | bigint | number | string | Value[] | {[key: string]: Value}

/** Text in double quotes as Python's `unicode_escape` writes it. */
export function quoted(text: string, {wideBytes = false} = {}): string {
  let out = ''
  for (const character of text) {
    const code = character.codePointAt(0) ?? 0
    const named = {'\\': '\\\\', '"': '\\"', '\n': '\\n', '\r': '\\r', '\t': '\\t'}[character]
    if (named !== undefined) out += named
    else if (code >= 32 && code < 127) out += character
    else if (code < 256 && !(wideBytes && code > 127)) out += `\\x${code.toString(16).padStart(2, '0')}`
    else out += code < 65_536 ? `\\u${code.toString(16).padStart(4, '0')}` : `\\U${code.toString(16).padStart(8, '0')}`
  }
  return `"${out}"`
}

/** A finite float as Python prints it. */
export function floatText(value: number): string {
  const [digits = '', power = '0'] = value.toExponential().split('e')
  const exponent = Number(power)
  if (value !== 0 && (exponent < -4 || exponent >= 16)) return `${digits}e${exponent < 0 ? '-' : '+'}${String(Math.abs(exponent)).padStart(2, '0')}`
  const plain = Object.is(value, -0) ? '-0' : String(value)
  return /[.e]/.test(plain) ? plain : `${plain}.0`
}

export function pythonLiteral(value: Value): string {
  if (value === null) return 'None'
  if (typeof value === 'boolean') return value ? 'True' : 'False'
  if (typeof value === 'bigint') return String(value)
  if (typeof value === 'number') return Number.isFinite(value) ? floatText(value) : `float('${Number.isNaN(value) ? 'nan' : value > 0 ? 'inf' : '-inf'}')`
  if (typeof value === 'string') return quoted(value)
  if (Array.isArray(value)) return `[${value.map(pythonLiteral).join(', ')}]`
  return `{${Object.entries(value).map(([key, one]) => `${quoted(key)}: ${pythonLiteral(one)}`).join(', ')}}`
}

export const pythonKeywords = new Set(('False None True and as assert async await break class continue def del elif else except finally for from global if import in is ' +
  'lambda nonlocal not or pass raise return try while with yield').split(' '))
