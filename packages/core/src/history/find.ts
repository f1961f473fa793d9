import type {HistoryEntry} from './entry.ts'
import {noEntry, noHistory} from './problems.ts'
import {newestFirst} from './read.ts'
import {errors} from '../errors.ts'
import {sanitizeLine} from '../text/line.ts'

/**
 * The execution that an id or a unique beginning of one means; without one, the newest. Throws NOT_FOUND (66), AMBIGUOUS (64) or
 * NO_HISTORY (66).
 */
export function findEntry(folder: string, query?: string): HistoryEntry {
  return findEntries(folder, [query])[0] as HistoryEntry // one for each that is asked for
}

/** The same for several, in the order in which they are asked for, by reading once. */
export function findEntries(folder: string, queries: readonly (string | undefined)[]): HistoryEntry[] {
  const found = queries.map((): HistoryEntry[] => [])
  const recent: string[] = []
  for (const entry of newestFirst(folder)) {
    if (recent.length < 200) recent.push(entry.id)
    for (const [i, query] of queries.entries()) if (query === undefined ? recent.length === 1 : entry.id.startsWith(query) && query !== '') found[i]?.push(entry)
    // an id in full can be no other's beginning
    if (queries.every((query, i) => (query === undefined ? true : found[i]?.some(({id}) => id === query)))) break
  }
  return queries.map((query, i) => chosen(query, found[i] ?? [], recent))
}

function chosen(query: string | undefined, found: readonly HistoryEntry[], recent: readonly string[]): HistoryEntry {
  const exact = found.find(({id}) => id === query) ?? found[0]
  if (!exact) throw query === undefined ? noHistory() : noEntry(query, recent)
  if (found.length === 1 || exact.id === query) return exact
  const ids = found.slice(0, 8).map(({id}) => sanitizeLine(id, 64))
  throw errors.usage(`"${sanitizeLine(query ?? '', 60)}" matches ${found.length} executions: ${ids.join(', ')}${found.length > 8 ? ` and ${found.length - 8} more` : ''}`, {
    code: 'AMBIGUOUS', fix: 'give more of the id', details: {query: query ?? null, candidates: ids},
  })
}
