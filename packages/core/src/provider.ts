import type {Message, ServerOptions} from '@cgpu/jupyter'
import type {AccountAccess} from './account.ts'

/** What kind of machine is asked for. Unset fields are the provider's choice. */
export interface RuntimeSpec {
  name: string
  accelerator: {kind: 'cpu'} | {kind: 'gpu' | 'tpu'; model?: string}
  highRam?: boolean
  image?: string
}

/** Which wishes and features a provider can serve. Data, so that a command can say what is missing. */
export interface ProviderCapabilities {
  /** can make runtimes; false: they are only added (`cgpu runtime add`) */
  create: boolean
  /** takes `--gpu` / `--tpu` with a model */
  accelerators: boolean
  highRam: boolean
  image: boolean
  /** `cgpu runtime add URL` */
  add: boolean
  /** released runtimes cost nothing more; false: the machine is not ours to stop, release only forgets it */
  release: boolean
  terminal: boolean
  /** `usage` answers */
  computeUnits: boolean
  /** idle machines are taken away unless `keepAlive` is called while work runs */
  keepAlive: boolean
  /** the machine can release itself when its lease lapses */
  selfRelease: boolean
  /** `browserUrl` answers */
  browser: boolean
  /** `authorizeMachine` answers: Drive can be mounted, and the machine may act for the account */
  drive: boolean
  /** `portEndpoint` answers: HTTP and WebSockets of a port without the agent */
  ports: boolean
  /** `sshGate` answers: SSH comes in by a way of the provider's own */
  ssh: boolean
}

/** An accelerator as `cgpu runtime accelerators` lists it. `available: false` comes with a reason. */
export interface Accelerator {
  id: string
  kind: 'cpu' | 'gpu' | 'tpu'
  name: string
  /** what the machine itself calls it (nvidia-smi, TPU_ACCELERATOR_TYPE), where `id` and `name` do not tell */
  aliases?: string[]
  memoryBytes?: number
  available: boolean
  reason?: string
}

/** Unknown states of a provider are shown as they are. */
export type RuntimeState = 'creating' | 'ready' | 'unreachable' | 'released' | (string & {})

/** A runtime as the provider sees it: the truth, at the moment of asking. */
export interface ProviderRuntime {
  /** stable, unique within the provider */
  id: string
  state: RuntimeState
  accelerator: Accelerator
  createdAt: string
  endpointUrl: string
  /** the account that it belongs to and is billed to, where the provider has accounts */
  account?: string
  /** true: neither this cgpu nor another made it (it was opened in a browser): shown, used by name, released by name only */
  foreign?: boolean
  /** when the machine is taken away at the latest, and after how many idle seconds, as far as the provider says */
  expiresAt?: string
  idleTimeoutSeconds?: number
  /** compute units an hour, where known */
  hourlyRate?: number
  /** what only this provider needs to find the runtime again; no secrets */
  details?: Record<string, unknown>
}

/** How to reach a runtime's Jupyter server, and where work happens on it. */
export interface RuntimeEndpoint extends ServerOptions {
  /** absolute path of the working folder on the machine, if the provider knows it; else asked of the agent */
  workdir?: string
  /** absolute folder for the agent's own files on the machine; default ~/.cgpu */
  agentHome?: string
  /**
   * Questions that the machine's own libraries ask through the kernel (Colab's `colab_request`). Called with every iopub
   * message of a type that Jupyter does not know; the JSON that comes back goes to the kernel as the value of an `input_reply`.
   * Undefined: not a question, or none that wants an answer. It never rejects and must not hang: a cell waits for it.
   */
  answerKernel?: (message: Message, host: KernelHost) => Promise<unknown>
}

/** A provider's own way to a machine's SSH: a WebSocket with its bytes, to an sshd that lets in the key that the handshake names. */
export interface SshGate extends ServerOptions {
  /** of the WebSocket, below `url`, without a slash at its start */
  path: string
  /** the header with one line of authorized_keys */
  keyHeader: string
  /** `ssh-ed25519` and so on: what it takes */
  keyTypes: readonly string[]
  /** no frame to it is larger */
  maxFrameBytes: number
  /** whom the key is let in as */
  user: string
}

/** What an answer to a kernel may use. */
export interface KernelHost {
  /** the value of a secret that was granted to this run (`--secret NAME`); `access: false` when it exists but was not granted */
  secret: (name: string) => Promise<{exists: boolean; access: boolean; value?: string}>
  /** Asks the person at the terminal to open a page and to come back; false: nobody is there, or they declined. */
  consent?: (request: {message: string; url: string; signal?: AbortSignal}) => Promise<boolean>
}

/** Compute units and quota of an account. Amounts in compute units, times ISO 8601. */
export interface Usage {
  account: string
  /** `free`, `pro`, `pro+`, or what the provider says */
  tier: string
  balance?: number
  /** compute units an hour, all runtimes together */
  hourlyRate?: number
  /** until the balance and the free quota are used up at that rate */
  secondsLeft?: number
  runtimes?: number
  free?: {remaining: number; refillsAt?: string}
}

export interface ProgressEvent {
  /** lowercase, no full stop: "installing jupyter_server" */
  message: string
  /** what exactly, changing often: shown where a line can be drawn anew */
  detail?: string
  done?: number
  total?: number
}

export interface CreateOptions {
  signal?: AbortSignal
  onProgress?: (event: ProgressEvent) => void
  /** The machine must be this one. The core has it checked on the machine; the provider refuses what it can see is another. */
  allowDowngrade?: boolean
  /** The runtime belongs to this process: it may be released when the process is gone (local: its reaper). */
  ephemeral?: boolean
}

/** What `cgpu runtime add` collected. */
export interface AddOptions {
  url: string
  token?: string
  ca?: string
  signal?: AbortSignal
}

/**
 * Where runtimes come from. Every provider passes `test/contract/provider.ts`.
 * All methods throw CgpuError; `release` of a runtime that is gone succeeds; ids are the provider's own.
 */
export interface RuntimeProvider {
  readonly id: string
  readonly title: string
  readonly capabilities: ProviderCapabilities
  accelerators(): Promise<Accelerator[]>
  /** Every runtime of this user that may exist or be billed, also those that this machine never made. */
  list(): Promise<ProviderRuntime[]>
  /** Null when the provider is sure that it is gone; throws when it cannot be asked. */
  get(id: string): Promise<ProviderRuntime | null>
  create(spec: RuntimeSpec, options: CreateOptions): Promise<ProviderRuntime>
  add?(options: AddOptions): Promise<ProviderRuntime>
  release(id: string, options?: {signal?: AbortSignal}): Promise<void>
  connect(id: string): Promise<RuntimeEndpoint>
  /** The creator is done with making it: it now stays until released (local: detaches it from the CLI's process). */
  keep?(id: string): Promise<void>
  /** Tells the provider that work goes on. `gone`: the runtime is not there any more. Called every `keepAliveMs` at most. */
  keepAlive?(id: string, options?: {signal?: AbortSignal}): Promise<'alive' | 'gone'>
  /** Where people open this runtime in a browser. */
  browserUrl?(id: string): Promise<string>
  usage?(): Promise<Usage>
  /**
   * Lets the machine act for the account: `drive` to mount it, `user` for its libraries. `consent` is called when the
   * account's owner must first agree on a page. Throws CONSENT_REQUIRED (67) with that page when nobody can be asked.
   */
  authorizeMachine?(id: string, what: 'drive' | 'user', host: Pick<KernelHost, 'consent'> & {signal?: AbortSignal}): Promise<void>
  /** A forwarded port of the machine: an address, and the headers that it wants. */
  portEndpoint?(id: string, port: number): Promise<ServerOptions>
  sshGate?(id: string): Promise<SshGate>
  /** Stops what no record knows of: leftovers of crashed commands. Returns what was stopped. */
  reap?(): Promise<{id: string; reason: string}[]>
}

/** What a provider is given by the core; nothing else of cgpu's state is its business. */
export interface ProviderContext {
  /** this provider's own folder below `state/` (0700), created on first use */
  stateDir: string
  secrets: SecretStore
  accounts: AccountAccess
  setting: (key: string) => string | undefined
  env: NodeJS.ProcessEnv
  cwd: string
  /** what the user calls a runtime of this provider, where it is known here */
  nameOf?: (providerId: string) => Promise<string | undefined>
  trace?: (line: string) => void
  /** told to the user */
  onWarning?: (message: string) => void
}

export type ProviderFactory = (context: ProviderContext) => RuntimeProvider

/** Small secrets by key; values never reach a log, an argv or a state file. */
export interface SecretStore {
  get(key: string): Promise<string | undefined>
  set(key: string, value: string): Promise<void>
  delete(key: string): Promise<void>
}
