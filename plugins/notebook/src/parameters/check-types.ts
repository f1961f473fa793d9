import {errors, sanitizeLine} from '@cgpu/plugin-sdk'
import type {Parameter} from './inspect.ts'
import type {Value} from './value.ts'

/** By the first word of an annotation; others say nothing that could be checked here. */
const fits: Record<string, (value: Value) => boolean> = {
  int: (value) => typeof value === 'bigint',
  float: (value) => typeof value === 'bigint' || typeof value === 'number',
  bool: (value) => typeof value === 'boolean',
  str: (value) => typeof value === 'string',
  list: Array.isArray,
  dict: (value) => typeof value === 'object' && value !== null && !Array.isArray(value),
}

/** Refuses values that are not what the notebook's own annotations say: `epochs: int = 3`. A default's looks bind nobody. Throws INVALID_PARAMETER (64). */
export function checkTypes(values: Readonly<Record<string, Value>>, declared: readonly Parameter[]): void {
  for (const {name, type, annotated} of declared) {
    const value = Object.hasOwn(values, name) ? values[name] : undefined
    const word = annotated ? /^(?:typing\.)?(int|float|bool|str|list|dict)(?:\[[^|]*\])?$/i.exec(type ?? '')?.[1]?.toLowerCase() : undefined
    if (value === undefined || value === null || word === undefined || fits[word]?.(value)) continue
    throw errors.usage(`the parameter ${sanitizeLine(name, 80)} is to be ${word}, and ${shown(value)} is ${kindOf(value)}`, {
      code: 'INVALID_PARAMETER', fix: word === 'str' ? `give it as text: -r ${sanitizeLine(name, 80)} VALUE` : `give a value of that type; the notebook says ${sanitizeLine(`${name}: ${type}`, 100)}`,
    })
  }
}

const shown = (value: Value): string => sanitizeLine(typeof value === 'string' ? `"${value}"` : typeof value === 'object' ? 'what was given' : String(value), 60)

function kindOf(value: Value): string {
  if (typeof value === 'bigint') return 'a whole number'
  if (typeof value === 'object') return Array.isArray(value) ? 'a list' : 'a dict'
  return {boolean: 'a truth value', number: 'a number', string: 'text'}[typeof value as 'boolean' | 'number' | 'string'] // all that is left
}
