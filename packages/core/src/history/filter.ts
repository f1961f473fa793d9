import {errorCategories, errors} from '../errors.ts'
import {sameAccount} from '../runtime/options.ts'
import {sanitizeLine} from '../text/line.ts'
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
    since: since === undefined ? undefined : parseWhen(since, now),
    until: until === undefined ? undefined : parseWhen(until, now),
  }
}

function choices<T extends string>(what: string, text: string, known: readonly T[]): T[] {
  return text.split(',').map(one => one.trim()).filter(Boolean).map(one => {
    const found = known.find(value => value === one)
    if (found !== undefined) return found
    throw errors.usage(`there is no ${what} "${sanitizeLine(one, 60)}"`, {code: 'INVALID_FILTER', fix: `choose from: ${known.join(', ')}`})
  })
}

const units: Record<string, number> = {s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000}

/** `2h` (so long ago), `2026-11-22` (its start, here) or an ISO time, in ms since 1970. Throws INVALID_TIME (64). */
export function parseWhen(text: string, now: number): number {
  const trimmed = text.trim()
  const ago = /^(\d{1,6}(?:\.\d{1,3})?)([smhdw])$/.exec(trimmed)
  if (ago) return now - Number(ago[1]) * (units[ago[2] ?? ''] ?? 0)
  // a date alone would be read as midnight in Greenwich
  const local = /^\d{4}-\d\d-\d\d$/.test(trimmed) ? `${trimmed}T00:00` : trimmed
  const time = /^\d{4}-\d\d-\d\d(T|$| )/.test(trimmed) ? Date.parse(local) : Number.NaN
  if (Number.isFinite(time)) return time
  throw errors.usage(`${JSON.stringify(text).slice(0, 60)} is not a time`, {code: 'INVALID_TIME', fix: 'give how long ago, such as 90m, 2h, 7d, or a date such as 2026-11-22 or 2026-11-22T10:00'})
}
