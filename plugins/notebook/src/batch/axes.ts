import {errors, sanitizeLine} from '@cgpu/plugin-sdk'
import type {Value} from '../parameters/value.ts'
import {inferred} from '../parameters/values.ts'

/** A parameter and the values that it is to have, one after the other. */
export interface Axis {
  name: string
  values: Value[]
}

const nameAt = /\s*([^\s=,"']+)=/y
const valueAt = /"((?:[^"\\]|\\.)*)"|'((?:[^'\\]|\\.)*)'|([^\s,"']+)/y
const endAt = /\s+|$/y

/**
 * `lr=0.1,0.01 name="a b",'c'`: values are separated by commas, parameters by spaces. A bare value is typed as `-p` types it, a quoted one is
 * text, in which a backslash makes the next character plain. `flag` is what messages call it. Throws INVALID_SWEEP (64).
 */
export function parseAxes(text: string, flag: string): Axis[] {
  const axes: Axis[] = []
  let at = 0
  const next = (pattern: RegExp): RegExpExecArray | undefined => {
    pattern.lastIndex = at
    const found = pattern.exec(text) ?? undefined
    if (found) at = pattern.lastIndex
    return found
  }
  do {
    const name = next(nameAt)?.[1]
    if (name === undefined) throw invalidSweep(flag, `"${sanitizeLine(text.slice(at).trim(), 60)}" is not NAME=VALUE,VALUE`)
    const axis: Axis = {name, values: []}
    do {
      const value = next(valueAt)
      if (!value) throw invalidSweep(flag, `a value of ${sanitizeLine(name, 60)} is missing`)
      const [, double, single, bare = ''] = value
      axis.values.push((double ?? single)?.replaceAll(/\\(.)/gs, '$1') ?? inferred(bare))
    } while (next(/,/y))
    if (!next(endAt)) throw invalidSweep(flag, `${sanitizeLine(name, 60)}: there is more behind a quoted value`)
    axes.push(axis)
  } while (at < text.trimEnd().length)
  return axes
}

export const invalidSweep = (flag: string, why: string) =>
  errors.usage(`${flag}: ${why}`, {code: 'INVALID_SWEEP', fix: `such as ${flag} 'lr=0.1,0.01'; a value with spaces or commas stands in quotes: 'name="a, b",c'`})
