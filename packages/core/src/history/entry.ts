import {isObject, type JsonObject, parseJson} from '../state/json.ts'

export const executionKinds = ['exec', 'run', 'job', 'shell', 'notebook'] as const
export type ExecutionKind = (typeof executionKinds)[number]

/** `running` and `unknown` are never written: they are how an execution without an end looks. */
export const executionStatuses = ['ok', 'error', 'interrupted', 'lost', 'vetoed', 'running', 'unknown'] as const
export type ExecutionStatus = (typeof executionStatuses)[number]
export type EndStatus = Exclude<ExecutionStatus, 'running' | 'unknown'>

/** What was executed, without secrets. */
export interface HistoryCommand {
  /** exec */
  code?: string
  /** exec: where the code was read from */
  file?: string
  /** run: a script and its arguments, as typed */
  script?: string
  /** notebook: its path as typed, - for stdin; `args` are flags that do it again, `code` is what its cells were */
  notebook?: string
  args?: string[]
  /** run: a command; shell: one that was given to it, empty for a login shell */
  argv?: string[]
  /** of the file, script or notebook as it was then */
  sha256?: string
  /** too long to be kept whole: what is missing was this */
  cut?: {bytes: number; sha256: string}
  /** a secret was taken out */
  redacted?: boolean
}

/** The machine to ask for, as flags of `run` and `runtime ensure` spell it. */
export interface SpecFlags {
  provider?: string
  gpu?: string
  tpu?: string
  cpu?: boolean
  'high-ram'?: boolean
  image?: string
}

/** Which process started it: while it lives, the execution runs. */
export interface HistoryProcess {
  pid: number
  startTime?: string
  host: string
}

/** What is known from the start, or soon after it. */
export interface BeginFields {
  kind: ExecutionKind
  runtime?: {id: string; name: string; provider: string}
  accelerator?: {kind: string; id: string}
  account?: string
  /** local folder */
  cwd: string
  command: HistoryCommand
  /** of all variables and secrets; values are never kept */
  envNames: string[]
  packages?: string[]
  requirements?: string
  outputs?: string[]
  kernel?: string
  spec: SpecFlags
  /** flags of the command line that a rerun repeats; of --env the names only */
  given?: Record<string, string | boolean | string[]>
  version: string
  process?: HistoryProcess
  /** goes on without the process that started it */
  detached?: boolean
}

/** How it ended. */
export interface EndFields {
  status: EndStatus
  exitStatus?: number
  category?: string
  code?: string
  message?: string
  traceback?: string
  durationSeconds: number
  kernel?: string
  stdoutBytes?: number
  stderrBytes?: number
  /** the last of what was printed */
  tail?: {stdout?: string; stderr?: string}
  peakMemoryBytes?: number
  cost?: {amount: number; unit: string}
  /** files that were brought back */
  artifacts?: string[]
}

/** One line. `more` completes `begin`. The id comes first: readers find it without parsing. */
export type HistoryRecord = {id: string; at: string} & (
  | ({t: 'begin'} & BeginFields)
  | ({t: 'more'} & Partial<BeginFields>)
  | ({t: 'end'} & EndFields)
)

/** An execution as all of its lines together tell it. Fields of a newer cgpu are kept. */
export interface HistoryEntry extends BeginFields, Partial<Omit<EndFields, 'status'>> {
  id: string
  status: ExecutionStatus
  startedAt: string
  endedAt?: string
}

const types: Record<string, (value: unknown) => boolean> = {
  runtime: value => isObject(value) && ['id', 'name', 'provider'].every(key => typeof value[key] === 'string'),
  accelerator: value => isObject(value) && typeof value['kind'] === 'string' && typeof value['id'] === 'string',
  command: isCommand, spec: isObject, given: isObject, tail: isTail, process: isProcess,
  cost: value => isObject(value) && typeof value['amount'] === 'number' && typeof value['unit'] === 'string',
  ...ofType('string', 'account', 'cwd', 'requirements', 'kernel', 'version', 'category', 'code', 'message', 'traceback'),
  ...ofType('number', 'exitStatus', 'durationSeconds', 'stdoutBytes', 'stderrBytes', 'peakMemoryBytes'),
  ...ofType('boolean', 'detached'),
  ...Object.fromEntries(['envNames', 'packages', 'outputs', 'artifacts'].map(key => [key, isTexts])),
}

function ofType(type: 'string' | 'number' | 'boolean', ...keys: string[]): typeof types {
  return Object.fromEntries(keys.map(key => [key, (value: unknown) => typeof value === type]))
}

function isTexts(value: unknown): boolean {
  return Array.isArray(value) && value.every(one => typeof one === 'string')
}

function isCommand(value: unknown): boolean {
  if (!isObject(value)) return false
  const text = (key: string): boolean => value[key] === undefined || typeof value[key] === 'string'
  const list = (key: string): boolean => value[key] === undefined || isTexts(value[key])
  return ['code', 'file', 'script', 'notebook', 'sha256'].every(text) && ['args', 'argv'].every(list)
}

function isTail(value: unknown): boolean {
  return isObject(value) && ['stdout', 'stderr'].every(key => value[key] === undefined || typeof value[key] === 'string')
}

function isProcess(value: unknown): boolean {
  return isObject(value) && typeof value['pid'] === 'number' && typeof value['host'] === 'string'
}

/**
 * A line, or undefined when it is none of ours: torn by a crash, or not made by cgpu. A known field of the wrong type counts
 * as absent; fields that are not known stay.
 */
export function parseRecord(line: string): HistoryRecord | undefined {
  let value: unknown
  try {
    value = parseJson(line)
  } catch {
    return undefined
  }
  if (!isObject(value) || typeof value['id'] !== 'string' || value['id'] === '') return undefined
  const {at, t} = value
  if (typeof at !== 'string' || !Number.isFinite(Date.parse(at))) return undefined
  const fields: JsonObject = {}
  for (const [key, one] of Object.entries(value)) if (types[key]?.(one) ?? true) fields[key] = one
  const whole = t === 'more'
    || (t === 'begin' && executionKinds.some(kind => kind === value['kind']) && fields['command'] !== undefined)
    || (t === 'end' && endStatuses.has(String(value['status'])))
  return whole ? (fields as unknown as HistoryRecord) : undefined // what the type promises was checked, or is filled in by `joined`
}

const endStatuses = new Set<string>(executionStatuses.filter(status => status !== 'running' && status !== 'unknown'))

type Of<T extends HistoryRecord['t']> = Extract<HistoryRecord, {t: T}>

/** The ends that were written of one execution. */
export interface Ends {
  /** the earliest */
  first: Of<'end'>
  /** the earliest whose writer saw it: of a job that was given up, or left, and went on, it comes later */
  real: Of<'end'> | undefined
}

/** What was read of one execution. */
export interface Lines {
  begin: Of<'begin'>
  more: readonly Of<'more'>[]
  ends: Ends | undefined
}

/** `end` is earlier than those that are known, unless it says otherwise by its time. */
export function withEnd(known: Ends | undefined, end: Of<'end'>, byTime = false): Ends {
  const seen = end.status !== 'lost' && (end.status !== 'interrupted' || end.category === 'code')
  if (known && byTime && end.at > known.first.at) {
    return {first: known.first, real: seen && (!known.real || end.at < known.real.at) ? end : known.real}
  }
  return {first: end, real: seen ? end : known?.real}
}

/** The one that counts: the first, and of a job the real one, with what was seen of its output where it has none. */
function endOf({kind}: Of<'begin'>, ends: Ends | undefined): Of<'end'> | undefined {
  if (!ends?.real || kind === 'exec') return ends?.first
  return {...(ends.first.tail ? {tail: ends.first.tail} : {}), ...ends.real}
}

/** `isLive` says whether the process that started it lives; only asked when there is no end. */
export function joined({begin, more, ends}: Lines, isLive: (process: HistoryProcess) => boolean = () => false): HistoryEntry {
  const {id, at: startedAt} = begin
  const end = endOf(begin, ends)
  const start = fieldsOf(begin)
  const later = Object.assign({}, ...more.map(fieldsOf)) as Partial<BeginFields>
  const known = {...start, envNames: start.envNames ?? [], cwd: start.cwd ?? '', spec: start.spec ?? {}, version: start.version ?? '', ...later}
  if (end) return {...known, ...fieldsOf(end), id, startedAt, endedAt: end.at}
  const running = known.detached === true || (known.process !== undefined && isLive(known.process))
  return {...known, id, status: running ? 'running' : 'unknown', startedAt}
}

function fieldsOf<T extends Pick<HistoryRecord, 't' | 'at' | 'id'>>({t: _t, at: _at, id: _id, ...fields}: T): Omit<T, 't' | 'at' | 'id'> {
  return fields
}
