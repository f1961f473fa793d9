import type {HistoryEntry} from '@cgpu/core/history/entry'

/** An execution with the fields that every list of cgpu has. */
export interface HistoryItem extends HistoryEntry {
  /** as `status` */
  state: string
  /** as `startedAt` */
  createdAt: string
}

export function itemOf({id, kind, status, startedAt, ...rest}: HistoryEntry): HistoryItem {
  return {id, kind, status, state: status, createdAt: startedAt, startedAt, ...rest}
}

/** Without what was printed: for lists. */
export function briefItemOf({tail: _tail, traceback: _traceback, ...rest}: HistoryEntry): HistoryItem {
  return itemOf(rest)
}
