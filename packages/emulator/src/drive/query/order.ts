import type {DriveFile} from '../model.ts'
import {mime} from '../model.ts'
import {quotaBytes} from '../resource.ts'
import {QueryError} from './lex.ts'

export interface SortKey {
  name: string
  down: boolean
}

const keys: Record<string, (file: DriveFile, email: string) => string | number> = {
  createdTime: (file) => file.created,
  folder: (file) => (file.mimeType === mime.folder ? 0 : 1),
  modifiedByMeTime: (file, email) => file.modifiedByUser[email] ?? 0,
  modifiedTime: (file) => file.modified,
  name: (file) => file.name,
  name_natural: (file) => file.name,
  quotaBytesUsed: (file) => quotaBytes(file),
  recency: (file, email) => Math.max(file.modified, file.viewed[email] ?? 0, file.sharedAt[email] ?? 0),
  sharedWithMeTime: (file, email) => file.sharedAt[email] ?? 0,
  starred: (file, email) => (file.starredBy.includes(email) ? 0 : 1),
  viewedByMeTime: (file, email) => file.viewed[email] ?? 0,
}

const plain = new Intl.Collator('en', {sensitivity: 'accent'})
const natural = new Intl.Collator('en', {sensitivity: 'accent', numeric: true})

/** Parses `orderBy`: `folder,modifiedTime desc,name`. Throws QueryError. Without one the newest is first. */
export function parseOrder(text: string | undefined): SortKey[] {
  if (text === undefined || text.trim() === '') return [{name: 'modifiedTime', down: true}]
  return text.split(',').map((part) => {
    const found = /^\s*(\w+)(?:\s+(desc|asc))?\s*$/.exec(part)
    if (!found?.[1] || !Object.hasOwn(keys, found[1])) throw new QueryError(`not a sort key: ${part}`)
    return {name: found[1], down: found[2] === 'desc'}
  })
}

/** Where a file stands in an order; the id at the end makes every place a different one. */
export type Place = (string | number)[]

export function placeOf(file: DriveFile, order: SortKey[], email: string): Place {
  return [...order.map((key) => keys[key.name]?.(file, email) ?? 0), file.id]
}

export function comparePlaces(a: Place, b: Place, order: SortKey[]): number {
  for (const [index, key] of order.entries()) {
    const difference = compare(a[index] ?? 0, b[index] ?? 0, key.name)
    if (difference !== 0) return key.down ? -difference : difference
  }
  const [one, other] = [String(a.at(-1)), String(b.at(-1))]
  return one < other ? -1 : one > other ? 1 : 0
}

function compare(a: string | number, b: string | number, key: string): number {
  if (typeof a === 'number' && typeof b === 'number') return a - b
  return (key === 'name_natural' ? natural : plain).compare(String(a), String(b))
}
