/**
 * The shapes that cgpu prints with --json and --output ndjson. They are versioned by the envelope's `schema`:
 * fields may be added, none change their meaning. Times are ISO 8601 UTC, sizes bytes, durations seconds.
 */

/** Bytes as text where they are UTF-8, else base64. */
export interface TextPayload {
  data: string
  encoding?: 'base64' | undefined
}

interface Stamp {
  ts: string
  /** counts up from 0 without gaps within one stream of events */
  seq: number
  /** of the execution or job */
  id: string
}

/** One line of `--output ndjson`. Readers must pass over types that they do not know. */
export type StreamEvent = Stamp & (
  | {type: 'started'; runtime: string; kernel?: string | undefined; attached?: boolean | undefined; notebook?: string | undefined; output?: string | undefined}
  | ({type: 'stdout' | 'stderr'} & TextPayload)
  | {type: 'display'; kind: string; mime: Record<string, unknown>; metadata?: Record<string, unknown> | undefined; executionCount?: number | undefined; displayId?: string | undefined}
  | {type: 'progress'; message: string; detail?: string | undefined; done?: number | undefined; total?: number | undefined}
  | {type: 'input_request'; prompt: string; password: boolean}
  | {type: 'artifact'; path: string; size: number; sha256: string}
  | {type: 'cost'; amount: number; unit: string; durationSeconds?: number | undefined}
  | {type: 'reconnecting'; reason: string}
  | {type: 'reconnected'}
  | {type: 'notice'; code: string; message: string}
  | {type: 'finished'; exitStatus: number; durationSeconds: number; status?: string | undefined; error?: EventError | undefined}
)

/** Leaves each member of a union its own keys, where plain Omit would keep only the common ones. */
type Unstamped<T> = T extends unknown ? Omit<T, keyof Stamp> : never

/** An event before it is stamped. */
export type StreamEventBody = Unstamped<StreamEvent>

/** Why it finished as it did: the remote exception, or cgpu's own error. */
export interface EventError {
  name?: string | undefined
  code?: string | undefined
  message: string
  traceback?: string[] | undefined
}

export interface AcceleratorJson {
  id: string
  kind: string
  name: string
  aliases?: string[] | undefined
  memoryBytes?: number | undefined
  available: boolean
  reason?: string | undefined
}

export interface RuntimeJson {
  id: string
  name: string
  provider: string
  state: string
  accelerator: AcceleratorJson
  createdAt: string
  url: string
  /** created, added, adopted, or foreign: opened in a browser */
  origin: string
  ephemeral: boolean
  /** when the accelerator was looked at on the machine */
  verifiedAt?: string | undefined
  account?: string | undefined
  /** compute units an hour */
  hourlyRate?: number | undefined
  /** the provider takes it away after so many idle seconds, and at this time at the latest */
  idleTimeoutSeconds?: number | undefined
  expiresAt?: string | undefined
  /** it releases itself when unused for so long; `until`: not before, as far as this machine knows */
  lease?: {seconds: number; until: string} | undefined
  isDefault: boolean
  checkedAt: string | null
  problem?: string | undefined
}

/** Of an account; amounts in compute units. */
export interface UsageJson {
  provider: string
  account: string
  tier: string
  balance?: number | undefined
  hourlyRate?: number | undefined
  secondsLeft?: number | undefined
  runtimes?: number | undefined
  free?: {remaining: number; refillsAt?: string | undefined} | undefined
}

export interface ConfigEntryJson {
  key: string
  /** null: not set anywhere */
  value: string | boolean | null
  source: string
  origin: string
}

/** What was printed, as far as it fits into JSON. */
export interface CapturedJson {
  /** at most 1 MiB, the beginning; bytes that are not UTF-8 become U+FFFD: --output ndjson has them all */
  stdout: string
  stderr: string
  /** true when more was printed than is kept here */
  truncated: boolean
  displays: DisplayJson[]
}

/** A rich result of a cell; `data` maps MIME types to what the kernel sent. */
export interface DisplayJson {
  kind: string
  data: Record<string, unknown>
  metadata: Record<string, unknown>
  executionCount?: number | undefined
  displayId?: string | undefined
}

export interface ExecJson extends CapturedJson {
  id: string
  runtime: string
  kernel: {id: string; name: string}
  status: string
  exitStatus: number
  executionCount?: number | undefined
  error?: {name: string; value: string; traceback: string[]} | undefined
  /** what the kernel wants to be edited and run next, as after `%load` */
  nextInput?: string | undefined
  durationSeconds: number
  stdoutBytes: number
  stderrBytes: number
}

export interface RunJson extends CapturedJson {
  id: string
  runtime: string
  exitStatus: number
  signal: string | null
  startedAt: string
  durationSeconds: number
  stdoutBytes: number
  stderrBytes: number
  outputs: {path: string; size: number; sha256: string}[]
  missingOutputs: string[]
}

export interface DoctorCheckJson {
  id: string
  title: string
  /** ok, warning, failed */
  state: string
  message: string
  fix?: string | undefined
}
