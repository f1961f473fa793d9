import {livesHere} from '../state/self.ts'
import {type Ends, type HistoryEntry, type HistoryRecord, joined, parseRecord, withEnd} from './entry.ts'
import {linesBackwards, windows} from './files.ts'

type Of<T extends HistoryRecord['t']> = Extract<HistoryRecord, {t: T}>

/** What a reader met that is no record, such as a line that a crash tore. */
export interface ReadReport {
  broken: number
}

/**
 * The executions, the one that was begun last first. Lines are read from the end backwards and parsed as they are needed: an
 * execution's other lines always come behind its `begin`, so they are known by then.
 */
export function* newestFirst(folder: string, report: ReadReport = {broken: 0}): Generator<HistoryEntry> {
  const later = new Map<string, Gathered>()
  for (const {bytes} of windows(folder)) {
    for (const {start, end} of linesBackwards(bytes)) {
      const record = parseRecord(bytes.toString('utf8', start, end))
      if (!record) {
        report.broken++
        continue
      }
      const entry = gather(later, record)
      if (entry) yield entry
    }
  }
}

export interface Gathered {
  more: Of<'more'>[]
  ends: Ends | undefined
  begun?: boolean
}

/** Takes a line, later ones first; with its `begin` the execution is complete. */
function gather(later: Map<string, Gathered>, record: HistoryRecord): HistoryEntry | undefined {
  const known = later.get(record.id) ?? {more: [], ends: undefined}
  if (record.t === 'begin') {
    // written twice, when `clear` and its writer both saved it
    if (known.begun) return undefined
    later.set(record.id, {more: [], ends: undefined, begun: true})
    return joined({begin: record, ...known}, livesHere)
  }
  if (record.t === 'end') known.ends = withEnd(known.ends, record)
  else known.more.unshift(record)
  later.set(record.id, known)
  return undefined
}
