import {isDeepStrictEqual} from 'node:util'
import {merge} from 'node-diff3'
import {isRecord} from '../format/model.ts'

/** Of three versions of something. */
export interface Three<T> {
  base: T
  ours: T
  theirs: T
}

/** The one side that changed it, or both alike; undefined: both did, differently. */
export function clean<T>({base, ours, theirs}: Three<T>): {value: T} | undefined {
  if (isDeepStrictEqual(ours, theirs) || isDeepStrictEqual(base, theirs)) return {value: ours}
  return isDeepStrictEqual(base, ours) ? {value: theirs} : undefined
}

export interface ValueMerge {
  value: unknown
  /** paths at which both sides changed it, differently: ours was taken */
  ours: string[]
}

/** Merges JSON values record by record; lists of texts, such as tags, as sets. undefined: it is not there. */
export function mergeValues(three: Three<unknown>, path: string[] = []): ValueMerge {
  const agreed = clean(three)
  if (agreed) return {value: agreed.value, ours: []}
  const {base, ours, theirs} = three
  if (isRecord(ours) && isRecord(theirs)) {
    const before = isRecord(base) ? base : {}
    const merged = [...new Set([...Object.keys(ours), ...Object.keys(theirs)])].map((key): [string, ValueMerge] =>
      [key, mergeValues({base: before[key], ours: ours[key], theirs: theirs[key]}, [...path, key])])
    return {value: Object.fromEntries(merged.flatMap(([key, {value}]) => (value === undefined ? [] : [[key, value]]))), ours: merged.flatMap(([, one]) => one.ours)}
  }
  if (isTexts(ours) && isTexts(theirs)) {
    const before = new Set(isTexts(base) ? base : [])
    const removed = [...before].filter((one) => !ours.includes(one) || !theirs.includes(one))
    return {value: [...new Set([...ours, ...theirs])].filter((one) => !removed.includes(one)), ours: []}
  }
  return {value: ours, ours: [path.join('.')]}
}

const isTexts = (value: unknown): value is string[] => Array.isArray(value) && value.every((one) => typeof one === 'string')

export const labels = {ours: 'ours', theirs: 'theirs'} as const

/** Merges texts line by line; where both sides changed the same lines, with the marks of a conflict. */
export function mergeText(three: Three<string>): {text: string; conflict: boolean} {
  const agreed = clean(three)
  if (agreed) return {text: agreed.value, conflict: false}
  const lines = (text: string): string[] => (text === '' ? [] : text.split('\n'))
  const merged = merge(lines(three.ours), lines(three.base), lines(three.theirs), {excludeFalseConflicts: true, label: {a: labels.ours, b: labels.theirs}})
  return {text: merged.result.join('\n'), conflict: merged.conflict}
}

/** The marks around two whole texts. */
export const marked = (ours: string, theirs: string): string =>
  [`<<<<<<< ${labels.ours}`, ...(ours === '' ? [] : [ours]), '=======', ...(theirs === '' ? [] : [theirs]), `>>>>>>> ${labels.theirs}`].join('\n')
