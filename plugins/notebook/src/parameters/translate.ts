import {errors, sanitizeLine} from '@cgpu/plugin-sdk'
import {isRecord, type Notebook} from '../format/model.ts'
import {pythonKeywords, pythonLiteral, type Value} from './python.ts'
import {rLiteral} from './r.ts'

/** How a language writes parameters. */
export interface Translator {
  language: 'python' | 'r'
  /** undefined: it cannot be the name of a variable */
  nameOf(name: string): string | undefined
  literal(value: Value): string
}

const python: Translator = {
  language: 'python',
  nameOf: (name) => (/^[\p{L}_][\p{L}\p{N}_]*$/u.test(name) && !pythonKeywords.has(name) ? name : undefined),
  literal: pythonLiteral,
}

const r: Translator = {
  language: 'r',
  // a leading _ is not legal there; as papermill does, it is dropped
  nameOf: (name) => (/^[\p{L}._][\p{L}\p{N}._]*$/u.test(name) ? name.replace(/^_+/, '') || undefined : undefined),
  literal: rLiteral,
}

/** By the kernel's name, then by the language. Throws PARAMETERS_LANGUAGE (64). */
export function translatorFor(kernel: string | undefined, language: string | undefined): Translator {
  const names = [kernel, language].map((one) => one?.toLowerCase() ?? '')
  for (const name of names) {
    if (name.startsWith('python') || name === 'ipython') return python
    if (name === 'ir' || name === 'r') return r
  }
  if (names.every((name) => name === '')) return python
  throw errors.usage(`cgpu cannot write parameters in ${sanitizeLine(names.filter(Boolean).at(-1) ?? '', 60)}`, {code: 'PARAMETERS_LANGUAGE', fix: 'it can in Python and R; set them in the notebook'})
}

/** The language that the notebook says it is written in. */
export function languageOf({metadata}: Notebook): {kernel: string | undefined; language: string | undefined} {
  const of = (key: string, field: string): string | undefined => {
    const one = metadata[key]
    const value = isRecord(one) ? one[field] : undefined
    return typeof value === 'string' && value !== '' ? value : undefined
  }
  return {kernel: of('kernelspec', 'name'), language: of('kernelspec', 'language') ?? of('language_info', 'name')}
}

/** The source of the injected cell. Throws INVALID_PARAMETER (64). */
export function parameterSource(values: Readonly<Record<string, Value>>, translator: Translator): string {
  const lines = Object.entries(values).map(([name, value]) => {
    const variable = translator.nameOf(name)
    if (variable === undefined) {
      throw errors.usage(`"${sanitizeLine(name, 80)}" cannot be a variable in ${translator.language === 'r' ? 'R' : 'Python'}`, {code: 'INVALID_PARAMETER', fix: 'use letters, digits and _'})
    }
    return `${variable} = ${translator.literal(value)}\n`
  })
  return `# Parameters\n${lines.join('')}`
}
