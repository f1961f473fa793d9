import type {CreateOptions, RuntimeSpec} from '../provider.ts'
import type {Rung} from './ladder.ts'
import type {Runtime, RuntimeRecord} from './record.ts'
import type {ProviderRegistry} from './registry.ts'
import type {RuntimeSession} from './session.ts'
import type {RecordStore} from './store.ts'

/** What an execution took, as far as that is known. */
export interface Measured {
  durationMs?: number
  stdoutBytes?: number
  stderrBytes?: number
  /** most memory that the program used together with what it started, and on its GPUs */
  peakMemoryBytes?: number
  peakGpuMemoryBytes?: number
}

/** How a job ended. */
export interface JobEnd extends Measured {
  exitStatus?: number
  /** lost */
  status?: string
  signal?: string | null
  /** cancelled, oom, signal */
  reason?: string | undefined
}

/** Called around creation and release, so that plugins can veto, change or follow them. */
export interface LifecycleListener {
  beforeCreate?: (spec: RuntimeSpec, provider: string) => Promise<RuntimeSpec>
  afterCreate?: (runtime: Runtime) => Promise<void>
  beforeRelease?: (runtime: Runtime) => Promise<void>
  afterRelease?: (runtime: Runtime) => Promise<void>
  /** a job that was left running is over; told once, by whoever sees it first */
  jobEnded?: (job: {id: string; runtime: {id: string; name: string; provider: string}}, end: JobEnd) => Promise<void>
}

export interface ReleaseOptions {
  signal?: AbortSignal
  /** its provider took it away before: what ran there may go on elsewhere, and is not ended on purpose */
  takenAway?: boolean
  /** told of each as soon as it is gone, also where others cannot be released */
  onReleased?: (released: ReleasedRuntime) => void | Promise<void>
}

export interface RuntimesOptions {
  registry: ProviderRegistry
  store: RecordStore
  /** the runtime that this folder, project or user names as default */
  defaultRuntime: () => Promise<string | undefined>
  /** a session on a machine that was just made, to look at it; absent: providers are believed */
  connect?: (record: RuntimeRecord, signal: AbortSignal | undefined) => Promise<RuntimeSession>
  /** whether anybody is signed in; absent: nobody */
  signedIn?: () => Promise<boolean>
  lifecycle?: LifecycleListener
  /** told before a runtime is released on purpose */
  onRelease?: (record: RuntimeRecord) => Promise<void>
  /** told before leftovers are stopped: what is still needed is kept by it */
  beforeReap?: () => Promise<void>
  onWarning?: (message: string) => void
  now?: () => Date
  random?: () => number
}

export interface CreateRequest {
  provider: string
  spec: Omit<RuntimeSpec, 'name'>
  /** accelerators to try when the spec's cannot be had, in order */
  others?: readonly Rung[]
  name?: string | undefined
  ephemeral?: boolean
  /** the machine releases itself when unused for so long; absent: as long as is usual; null: never. Where the provider's machines can. */
  leaseSeconds?: number | null | undefined
  /** a machine that cannot release itself will not do */
  needsLease?: boolean
}

export interface MakeOptions extends CreateOptions {
  /** how long to go on asking when no accelerator is free */
  waitMs?: number | undefined
}

/** Whose runtime a run wants, where that is said. */
export interface WantedProvider {
  /** by a flag or variable of this call */
  asked?: string | undefined
  /** by a project, profile or config */
  set?: string | undefined
  /** the account that this call names, by email or id */
  account?: string | undefined
}

/** What a crashed command left, and what became of it. */
export interface ReapedRuntime {
  provider: string
  /** at the provider */
  id: string
  /** where it had one here */
  name?: string
  reason: string
}

export interface AdoptOptions {
  /** what to call it from now on */
  name?: string | undefined
  /** as in CreateRequest; absent: it has none, or keeps the one that it has */
  leaseSeconds?: number | undefined
  signal?: AbortSignal | undefined
}

export interface ReleasedRuntime {
  id: string
  name: string
  provider: string
  /** seconds between creation and release */
  durationSeconds: number
  /** false: only forgotten here, the machine is not cgpu's to stop */
  stopped: boolean
  /** what it cost, about, where the provider says what an hour costs */
  computeUnits?: number
}

/** `google:me@example.com` and `me@example.com` are one account. */
export function sameAccount(a: string, b: string): boolean {
  const plain = (text: string): string => text.toLowerCase().replace(/^[a-z]+:/, '')
  return plain(a) === plain(b)
}
