import {errors, sanitizeLine} from '@cgpu/plugin-sdk'
import type {Translator} from './translator.ts'
import type {Value} from './value.ts'

/** The source of the injected cell. Throws INVALID_PARAMETER (64). */
export function parameterSource(values: Readonly<Record<string, Value>>, language: Translator): string {
  const lines = Object.entries(values).map(([name, value]) => {
    const variable = language.nameOf(name)
    if (variable === undefined) {
      throw errors.usage(`"${sanitizeLine(name, 80)}" cannot be a variable in ${language.title}`, {code: 'INVALID_PARAMETER', fix: 'use letters, digits and _'})
    }
    return `${language.assign?.(variable, value) ?? `${variable} = ${language.literal(value)}`}\n`
  })
  return `${language.comment} Parameters\n${lines.join('')}`
}
