import type {Machine, Variant} from '../contract.ts'

/** One machine, leased to an account. */
export interface Assignment {
  readonly endpoint: string
  readonly email: string
  readonly nbh: string
  /** name in dialect P */
  readonly runtimeId: string
  readonly variant: Variant
  /** as the answers say */
  readonly accelerator: string
  /** as the machine has it; another than `accelerator` only where a scenario lies */
  readonly realAccelerator: string
  readonly highMem: boolean
  readonly version: string
  readonly machine: Machine
  /** compute units an hour */
  readonly rate: number
  readonly createdAt: number
  /** taken away then, used or not */
  readonly endsAt: number
  /** last use or keep-alive */
  usedAt: number
  /** what the person let the machine do */
  readonly credentials: Set<'drive' | 'user'>
}

export type EndReason = 'unassigned' | 'self' | 'reclaimed' | 'idle' | 'lifetime' | 'quota' | 'reset'

export interface EndedAssignment {
  endpoint: string
  email: string
  reason: EndReason
  endedAt: number
}
