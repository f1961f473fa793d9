import type {IncomingMessage, ServerResponse} from 'node:http'
import type {Duplex} from 'node:stream'
import type {Hono} from 'hono'

/**
 * How the parts of the emulator meet. Implementations: `world/` (accounts, assignments, tokens, clock), `control/` and
 * `oauth/` (what Google's hosts answer), `machine/` (one real Jupyter server per runtime behind its proxy), `drive/`,
 * `frame/` (listening, request log, faults, record and replay), `admin/`, `emulator.ts` (puts them together).
 * Times are milliseconds of the emulator's clock, unless a name says otherwise.
 */

/** The emulator's own time: real time, moved ahead by `advance`. */
export interface Clock {
  now(): number
  /** Runs at that time, or while `advance` passes it, in order. Returns what cancels it. */
  at(time: number, what: () => void | Promise<void>): () => void
  /** Moves ahead, and waits until everything that fell due has been done. */
  advance(ms: number): Promise<void>
}

/** Numbers in [0, 1) from the emulator's seed; `name` gives each user of them a row of its own, so that parts do not disturb each other. */
export interface Dice {
  row(name: string): () => number
  /** hex text */
  hex(name: string, bytes: number): string
}

/** An origin that the emulator listens on. Faults and the request log name it: `control`, `runtime:<endpoint>`, `port:<endpoint>:<port>`. */
export type Site = 'control' | `runtime:${string}` | `port:${string}:${number}`

export interface SiteHandler {
  request(request: IncomingMessage, response: ServerResponse): void
  upgrade?(request: IncomingMessage, socket: Duplex, head: Buffer): void
}

/** Listens on loopback. What arrives is logged, meets the faults, then the handler. */
export interface Frame {
  listen(site: Site, handler: SiteHandler, options?: {port?: number}): Promise<{url: string; close(): Promise<void>}>
}

export type Variant = 'DEFAULT' | 'GPU' | 'TPU'

/** A machine as an assignment asks for it. */
export interface MachineSpec {
  endpoint: string
  variant: Variant
  /** as given to the machine, which a fault may have made another than was asked for; `NONE` for CPU */
  accelerator: string
  highMem: boolean
  image: string
}

export type TokenVerdict = 'ok' | 'expired' | 'unknown'

/** What a machine asks of the world. */
export interface MachineGate {
  /** `port` 8080 is Jupyter's; another port has tokens of its own */
  checkToken(endpoint: string, port: number, token: string): TokenVerdict
  /** somebody used the machine: it is not idle */
  used(endpoint: string): void
  /** `google.colab.runtime.unassign()` on the machine, or its lease */
  unassign(endpoint: string): Promise<void>
  /** The folder that shows the account's Drive, once credentials were propagated; null: consent is missing. */
  driveFolder(endpoint: string): Promise<string | null>
}

/** A running machine. */
export interface Machine {
  readonly endpoint: string
  /** its origin, without a slash at the end */
  readonly url: string
  /** the origin that forwards to this port of the machine; 8080 gives `url` */
  portUrl(port: number): Promise<string>
  /** Ends every process of it; afterwards its origin refuses connections. Idempotent. */
  stop(): Promise<void>
}

/** What machines are like here: in namespaces of their own, else a folder each, and why. */
export interface MachineGround {
  namespaces: boolean
  /** empty with namespaces */
  why: string
}

export interface MachineHost {
  /** known since the first machine; a host of pretended machines has none */
  readonly ground?: MachineGround | undefined
  /** Resolves when its Jupyter server answers. */
  start(spec: MachineSpec): Promise<Machine>
  /** Stops all machines and what else it started. */
  close(): Promise<void>
}

/** The account that a bearer token belongs to, for every part that Google's hosts stand for. */
export interface Caller {
  email: string
  clientId: string
  scopes: string[]
}

/** Checks `Authorization: Bearer`. */
export interface BearerCheck {
  /** null: absent, unknown, expired or revoked */
  caller(authorization: string | undefined): Caller | null
}

/** What the Drive stand-in offers the machines. */
export interface DriveFolders {
  /**
   * A real folder whose content is the account's My Drive (a machine shows it as `MyDrive` below its mount point), both
   * ways: what is written there shows in the API, and what the API changes shows there.
   */
  folder(email: string): Promise<string>
}

/** `createDrive` of `drive/drive.ts`. */
export interface Drive extends DriveFolders {
  /** answers `/drive/v3/…` and `/upload/drive/v3/…`; mount it at `/` of the control origin */
  readonly app: Hono
  /** as if the person had opened this file with that client: its `drive.file` scope now covers it */
  open(fileId: string, caller: Pick<Caller, 'email' | 'clientId'>): void
  /** Waits until everything is on disk. */
  close(): Promise<void>
}
