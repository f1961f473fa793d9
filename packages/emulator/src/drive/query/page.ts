import {createHash} from 'node:crypto'
import {z} from 'zod'
import {refuse} from '../errors.ts'
import type {Place} from './order.ts'

const tokenSchema = z.tuple([z.string(), z.array(z.union([z.string(), z.number()])).min(1)])

/** What a page token belongs to: one with other parameters is refused. */
export function pageKey(...parts: (string | undefined)[]): string {
  return createHash('sha256').update(JSON.stringify(parts)).digest('base64url').slice(0, 12)
}

/** The last place of a page, so that the next goes on behind it whatever happens to the files in between. */
export function pageToken(key: string, last: Place): string {
  return `~!!~${Buffer.from(JSON.stringify([key, last])).toString('base64url')}`
}

/** Throws 400 for a token of another query, or none at all. */
export function readPageToken(text: string | undefined, key: string): Place | null {
  if (text === undefined || text === '') return null
  try {
    const [of, place] = tokenSchema.parse(JSON.parse(Buffer.from(text.replace(/^~!!~/, ''), 'base64url').toString()))
    if (of === key) return place
  } catch {
    // not one of ours
  }
  throw refuse.value('pageToken')
}

/** `pageSize`; more than the most counts as that, as the reference says. Throws 400. */
export function pageSize(text: string | undefined, {initial, most}: {initial: number; most: number}): number {
  if (text === undefined) return initial
  const size = Number(text)
  if (!Number.isInteger(size) || size < 1) throw refuse.value('pageSize', `Invalid value '${text.slice(0, 40)}'. Values must be within the range: [1, ${most}]`)
  return Math.min(size, most)
}
