import {errorCategories, errors} from '../errors.ts'
import {sameAccount} from '../runtime/options.ts'
import {sanitizeLine} from '../text/line.ts'
import {parseMoment} from '../text/moment.ts'
import {type ExecutionKind, executionKinds, type ExecutionStatus, executionStatuses, type HistoryEntry} from './entry.ts'

/** Which executions are meant; what is absent does not matter. Times in ms since 1970. */
export interface HistoryFilter {
  statuses?: readonly ExecutionStatus[]
  categories?: readonly string[]
  kinds?: readonly ExecutionKind[]
  /** name or id, or a beginning of one */
  runtime?: string | undefined
  account?: string | undefined
  since?: number | undefined
  until?: number | undefined
}

export function matches(entry: HistoryEntry, filter: HistoryFilter): boolean {
  const {statuses, categories, kinds, runtime, account, since, until} = filter
  if (statuses && !statuses.includes(entry.status)) return false
  if (categories && !categories.includes(entry.category ?? '')) return false
  if (kinds && !kinds.includes(entry.kind)) return false
  if (runtime !== undefined && !(entry.runtime?.name.startsWith(runtime) || entry.runtime?.id.startsWith(runtime))) return false
  if (account !== undefined && (entry.account === undefined || !sameAccount(entry.account, account))) return false
  const at = Date.parse(entry.startedAt)
  return at >= (since ?? -Infinity) && at <= (until ?? Infinity)
}

export interface FilterTexts {
  status?: string | undefined
  category?: string | undefined
  kind?: string | undefined
  runtime?: string | undefined
  account?: string | undefined
  since?: string | undefined
  until?: string | undefined
}

/** The filter that flags ask for. Throws INVALID_FILTER and INVALID_TIME (64). */
export function filterOf({status, category, kind, runtime, account, since, until}: FilterTexts, now: number): HistoryFilter {
  return {
    ...(status === undefined ? {} : {statuses: choices('status', status, executionStatuses)}),
    ...(category === undefined ? {} : {categories: choices('category', category, errorCategories)}),
    ...(kind === undefined ? {} : {kinds: choices('kind', kind, executionKinds)}),
    runtime,
    account,
    since: since === undefined ? undefined : parseMoment(since, now),
    until: until === undefined ? undefined : parseMoment(until, now),
  }
}

function choices<T extends string>(what: string, text: string, known: readonly T[]): T[] {
  return text.split(',').map(one => one.trim()).filter(Boolean).map(one => {
    const found = known.find(value => value === one)
    if (found !== undefined) return found
    throw errors.usage(`there is no ${what} "${sanitizeLine(one, 60)}"`, {code: 'INVALID_FILTER', fix: `choose from: ${known.join(', ')}`})
  })
}
