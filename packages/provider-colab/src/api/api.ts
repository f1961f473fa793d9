/**
 * What cgpu asks of Colab, whatever dialect is spoken. Implementations: `private.ts` (T and G of the protocol notes),
 * `public.ts` (P). Names of accelerators are upper case as Colab spells them, NONE for a CPU; unknown ones are data.
 */

export type Variant = 'CPU' | 'GPU' | 'TPU' | (string & {})
export type Shape = 'standard' | 'high-memory' | (string & {})

/** One leased machine. */
export interface Assignment {
  /** the machine's name, and cgpu's id of the runtime */
  endpoint: string
  accelerator: string
  variant: Variant
  shape: Shape
  proxy?: ProxyToken
  image?: string
  /** the hash that it was made with, where the dialect tells */
  notebookHash?: string
  /** P's name of it: `runtimes/…` */
  name?: string
  /** front-end idle timeout, told at creation only */
  idleTimeoutSeconds?: number
}

/** A credential of one port of one machine. */
export interface ProxyToken {
  url: string
  token: string
  ttlSeconds: number
}

export interface Wish {
  /** identifies the request: the same key gets the same machine. Made by `newKey`. */
  key: string
  variant: 'CPU' | 'GPU' | 'TPU'
  /** NONE for a CPU */
  accelerator: string
  highMemory: boolean
  image?: string
}

export interface UserInfo {
  /** `free`, `pro`, `pro+`, or what Colab says */
  tier: string
  eligible: Models
  ineligible: Models
  /** compute units that were paid for */
  balance?: number
  /** compute units an hour, all runtimes together */
  hourlyRate?: number
  runtimes?: number
  /** compute units that are left of what is free, once nothing paid is left */
  free?: {remaining: number; refillsAt?: string}
}

export type Models = {variant: Variant; models: string[]}[]

export interface CallOptions {
  signal?: AbortSignal | undefined
}

export type Propagation = {success: boolean; consentUrl?: string}

export interface ColabApi {
  readonly account: string
  newKey(): string
  /** whether `assignments` shows a machine that was made with this key */
  lists(key: string): boolean
  /** `consumption`: with the rate and the number of runtimes */
  userInfo(options?: CallOptions & {consumption?: boolean}): Promise<UserInfo>
  assignments(options?: CallOptions): Promise<Assignment[]>
  /** Throws AssignRefused when Colab says no. Safe to repeat with the same key. */
  assign(wish: Wish, options?: CallOptions): Promise<Assignment>
  /** Releases the machine that a wish got, when its answer was not seen. False: there is none so far. */
  withdraw(key: string, options?: CallOptions): Promise<boolean>
  /** Succeeds when it is gone. */
  unassign(machine: Pick<Assignment, 'endpoint' | 'name'>, options?: CallOptions): Promise<void>
  /** null: there is no such machine */
  proxyToken(machine: Pick<Assignment, 'endpoint' | 'name'>, port: number, options?: CallOptions): Promise<ProxyToken | null>
  keepAlive(endpoint: string, options?: CallOptions): Promise<'alive' | 'gone'>
  propagate(endpoint: string, what: 'drive' | 'user', dryRun: boolean, options?: CallOptions): Promise<Propagation>
}

export type RefusalReason = 'quota' | 'denylisted' | 'entitlement' | 'too-many' | 'capacity'

/** Colab's no to an assignment: nothing was made. `create.ts` says it to the user. */
export class AssignRefused extends Error {
  readonly reason: RefusalReason

  constructor(reason: RefusalReason, said = '') {
    super(said)
    this.name = 'AssignRefused'
    this.reason = reason
  }
}
