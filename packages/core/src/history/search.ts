import {errors} from '../errors.ts'
import {livesHere} from '../state/self.ts'
import {type Ends, type HistoryEntry, type HistoryRecord, joined, parseRecord, withEnd} from './entry.ts'
import {idAt, linesBackwards, windows} from './files.ts'
import {type HistoryFilter, matches} from './filter.ts'
import {escapePattern, type Prefilter, prefilterOf} from './prefilter.ts'

export interface SearchRequest {
  text: string
  regex?: boolean
  ignoreCase?: boolean
  filter?: HistoryFilter
  /** 0: all */
  limit?: number
}

export interface SearchHit {
  entry: HistoryEntry
  /** the first line of text that matches, and where it does */
  line: string
  from: number
  to: number
}

type Of<T extends HistoryRecord['t']> = Extract<HistoryRecord, {t: T}>
interface Gathered {
  begin?: Of<'begin'>
  more: Of<'more'>[]
  ends?: Ends
}

/**
 * The executions whose code, arguments, message or tail hold the text, newest first. The files are searched as bytes; only lines
 * that hold what a match must hold are parsed, so that a hundred thousand executions take a blink. Throws INVALID_PATTERN (64).
 */
export function searchHistory(folder: string, request: SearchRequest): SearchHit[] {
  const {filter = {}, limit = 0} = request
  const pattern = patternOf(request)
  const prefilter = prefilterOf(request)
  const hits: SearchHit[] = []
  const seen = new Set<string>()
  const consider = (gathered: Gathered): void => {
    const {begin, more, ends} = gathered
    if (!begin) return
    const entry = joined({begin, more, ends}, livesHere)
    const found = matches(entry, filter) ? findIn(entry, pattern) : undefined
    if (found) hits.push({entry, ...found})
  }
  /** those whose lines are not all in one window */
  const open = new Map<string, Gathered>()
  let newest = true
  for (const {bytes} of windows(folder)) {
    if (limit > 0 && hits.length >= limit) break
    for (const {start, end} of candidates(bytes, prefilter)) {
      const id = idAt(bytes, start, end)
      if (id === undefined || seen.has(id)) continue
      seen.add(id)
      const gathered = around(bytes, start, end, id)
      // behind the newest window there is no end to be found
      if (gathered.begin && (isEnded(gathered) || newest)) consider(gathered)
      else open.set(id, {more: []})
      if (limit > 0 && hits.length >= limit) break
    }
    newest = false
  }
  if (open.size > 0) {
    gatherAll(folder, open)
    for (const gathered of open.values()) consider(gathered)
  }
  hits.sort((a, b) => (a.entry.startedAt < b.entry.startedAt ? 1 : -1))
  return limit > 0 ? hits.slice(0, limit) : hits
}

function patternOf({text, regex, ignoreCase}: SearchRequest): RegExp {
  if (text === '') throw errors.usage('there is nothing to search for', {code: 'INVALID_PATTERN', fix: 'give a text'})
  try {
    return new RegExp(regex ? text : escapePattern(text), ignoreCase ? 'im' : 'm')
  } catch (error) {
    throw errors.usage(`not a regular expression: ${error instanceof Error ? error.message.replace(/^Invalid regular expression: /, '') : ''}`, {
      code: 'INVALID_PATTERN', fix: 'correct it, or search for plain text without --regex',
    })
  }
}

/** Lines that may match, the last one first. */
function* candidates(bytes: Buffer, {needle, loose}: Prefilter): Generator<{start: number; end: number}> {
  if (needle) yield* linesWith(bytes, needle).toReversed()
  else if (loose) {
    const found = new Map<number, number>()
    for (const {index} of bytes.toString('latin1').matchAll(loose)) {
      const {start, end} = lineAround(bytes, index)
      found.set(start, end)
    }
    yield* [...found].toReversed().map(([start, end]) => ({start, end}))
  } else yield* linesBackwards(bytes)
}

/** In their order. Forwards, as searching backwards is slower. */
function linesWith(bytes: Buffer, needle: Buffer | string): {start: number; end: number}[] {
  const lines: {start: number; end: number}[] = []
  for (let at = bytes.indexOf(needle); at !== -1;) {
    const line = lineAround(bytes, at)
    lines.push(line)
    at = bytes.indexOf(needle, line.end)
  }
  return lines
}

function lineAround(bytes: Buffer, at: number): {start: number; end: number} {
  const end = bytes.indexOf(0x0a, at)
  return {start: at === 0 ? 0 : bytes.lastIndexOf(0x0a, at - 1) + 1, end: end === -1 ? bytes.length : end}
}

/** What the same window holds of an execution, seen from one of its lines: its others are near, as a rule. */
function around(bytes: Buffer, start: number, end: number, id: string): Gathered {
  const head = `{"id":${JSON.stringify(id)}`
  const gathered: Gathered = {more: []}
  take(gathered, bytes, start, end)
  for (let at = start; !gathered.begin && at > 0;) {
    at = bytes.lastIndexOf(head, at - 1)
    if (at === -1) break
    take(gathered, bytes, at, lineAround(bytes, at).end)
  }
  for (let at = end; !isEnded(gathered);) {
    at = bytes.indexOf(head, at)
    if (at === -1) break
    const line = lineAround(bytes, at)
    take(gathered, bytes, at, line.end)
    at = line.end
  }
  return gathered
}

/** No later line can change it. */
function isEnded({ends}: Gathered): boolean {
  return ends?.real !== undefined
}

/** Lines may come in any order. */
function take(gathered: Gathered, bytes: Buffer, start: number, end: number): void {
  const record = parseRecord(bytes.toString('utf8', start, end))
  if (record?.t === 'begin') gathered.begin = record
  else if (record?.t === 'more') gathered.more = [...gathered.more, record].sort((a, b) => (a.at < b.at ? -1 : 1))
  else if (record) gathered.ends = withEnd(gathered.ends, record, true)
}

/** Of a few the bytes are searched once for each; of many every line's id is looked at. */
const few = 8

function gatherAll(folder: string, wanted: Map<string, Gathered>): void {
  for (const {bytes} of windows(folder)) {
    for (const {start, end} of wanted.size > few ? linesBackwards(bytes) : linesOf(bytes, wanted.keys())) {
      const gathered = wanted.get(idAt(bytes, start, end) ?? '')
      if (gathered) take(gathered, bytes, start, end)
    }
  }
}

function* linesOf(bytes: Buffer, ids: Iterable<string>): Generator<{start: number; end: number}> {
  // without what begins every line: that would be met at each of them
  for (const id of ids) yield* linesWith(bytes, `${JSON.stringify(id).slice(-12)},"t":`)
}

/** Every text of an execution that is searched. */
export function* textsOf({command, message, traceback, tail}: HistoryEntry): Generator<string> {
  if (command.code !== undefined) yield command.code
  if (command.script !== undefined) yield command.script
  if (command.notebook !== undefined) yield command.notebook
  if (command.argv ?? command.args) yield (command.argv ?? command.args ?? []).join(' ')
  for (const text of [message, traceback, tail?.stdout, tail?.stderr]) if (text !== undefined) yield text
}

function findIn(entry: HistoryEntry, pattern: RegExp): Omit<SearchHit, 'entry'> | undefined {
  for (const text of textsOf(entry)) {
    const match = pattern.exec(text)
    if (!match) continue
    const start = text.lastIndexOf('\n', match.index - 1) + 1
    const stop = text.indexOf('\n', match.index)
    const line = text.slice(match.index === 0 ? 0 : start, stop === -1 ? text.length : stop)
    const from = match.index - (match.index === 0 ? 0 : start)
    return {line, from, to: Math.min(line.length, from + match[0].length)}
  }
  return undefined
}
