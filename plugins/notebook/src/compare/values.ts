import {isDeepStrictEqual} from 'node:util'
import {isRecord} from '../format/model.ts'

export interface ValueChange {
  /** keys from the outermost to the one that differs */
  path: string[]
  /** undefined: it is not there */
  before: unknown
  after: unknown
}

/** Where two JSON values differ, record by record; lists are compared as a whole. */
export function valueChanges(before: unknown, after: unknown, path: string[] = []): ValueChange[] {
  if (isRecord(before) && isRecord(after)) {
    const keys = [...new Set([...Object.keys(before), ...Object.keys(after)])].sort()
    return keys.flatMap((key) => valueChanges(before[key], after[key], [...path, key]))
  }
  return isDeepStrictEqual(before, after) ? [] : [{path, before, after}]
}
