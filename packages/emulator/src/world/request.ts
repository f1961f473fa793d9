import type {Variant} from '../contract.ts'
import type {Account} from './account.ts'
import {modelOf} from './accelerators.ts'
import type {WorldConfig} from './config.ts'

/** A machine as a client asks for it; `accelerator` undefined: none was named. */
export interface AssignRequest {
  /** unique per account: 44 characters in dialect T */
  nbh: string
  variant?: Variant | undefined
  accelerator?: string | undefined
  highMem: boolean
  version?: string | undefined
  /** dialect P: the runtime's own name */
  runtimeId?: string | undefined
}

/** The same, complete. */
export interface WantedMachine {
  variant: Variant
  accelerator: string
  highMem: boolean
  version: string
}

/** Why there is no machine. The dialects say each in their own way. */
export type Refusal = 'malformed' | 'not-entitled' | 'quota' | 'usage' | 'denylisted' | 'too-many' | 'unavailable'

/** What is asked for, or what is wrong with asking for it. */
export function resolveRequest(request: AssignRequest, account: Account, config: WorldConfig): WantedMachine | {malformed: string} {
  const asked = request.accelerator?.toUpperCase()
  const named = asked === undefined || asked === '' || asked === 'NONE' ? undefined : asked
  const variant = request.variant ?? (named === undefined ? 'DEFAULT' : modelOf(named)?.variant ?? 'GPU')
  const version = request.version === undefined || request.version === '' ? config.runtimeVersions[0] ?? '' : request.version
  if (!config.runtimeVersions.includes(version)) return {malformed: 'unknown runtime version'}
  if (variant === 'DEFAULT') {
    return named === undefined ? {variant, accelerator: 'NONE', highMem: request.highMem, version} : {malformed: 'the default variant has no accelerator'}
  }
  const accelerator = named ?? account.settings.eligible[variant][0]
  if (accelerator === undefined) return {malformed: `no accelerator of variant ${variant} was named`}
  const model = modelOf(accelerator)
  if (model !== undefined && model.variant !== variant) return {malformed: `${accelerator} is not of variant ${variant}`}
  return {variant, accelerator, highMem: request.highMem || model?.highMemOnly === true, version}
}

/** Whether the account may have it; no look at how many it has, or how many there are. */
export function entitlement(wanted: WantedMachine, account: Account): Refusal | undefined {
  const {denylisted, tier, eligible} = account.settings
  if (denylisted) return 'denylisted'
  if (wanted.variant !== 'DEFAULT' && !eligible[wanted.variant].includes(wanted.accelerator)) return 'not-entitled'
  const paid = account.balance > 0
  if (wanted.highMem && modelOf(wanted.accelerator)?.highMemOnly !== true && tier === 'free' && !paid) return 'not-entitled'
  if (account.exhausted) return 'usage'
  // the free quota is for plain machines
  if (!paid && tier !== 'free' && wanted.variant !== 'DEFAULT' && wanted.accelerator !== 'T4') return 'quota'
  return undefined
}
