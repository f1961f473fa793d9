import {parseMark, type ProcessMark} from '../state/self.ts'
import type {Accelerator, ProviderRuntime, RuntimeSpec, RuntimeState} from '../provider.ts'

/** A kernel that cgpu uses on a runtime, remembered so that the next command connects without asking. */
export interface KnownKernel {
  id: string
  name: string
  language: string
  /** in which of its processes code from here ran last: with another one, variables are gone */
  process?: string
}

/**
 * How a runtime came to this cgpu: it made it, a server was added by its address, it was opened in a browser (`foreign`), or
 * that and taken over (`adopted`).
 */
export type RuntimeOrigin = 'created' | 'added' | 'adopted' | 'foreign'

/** The machine releases itself when nobody used it for so long; `renewedAt`: the last use that this cgpu knows of. */
export interface Lease {
  seconds: number
  renewedAt: string
}

/** What this machine remembers of a runtime, one file each below `state/runtimes/`. No secrets. */
export interface RuntimeRecord {
  version: 1
  /** `<provider>-<id at the provider>` */
  id: string
  name: string
  provider: string
  providerId: string
  origin: RuntimeOrigin
  /** made by `cgpu run` for one run: released when that run ends, or by the reaper */
  ephemeral: boolean
  requested: RuntimeSpec['accelerator']
  /** as the provider says, or as it was found on the machine */
  accelerator: Accelerator
  /** when it was looked at on the machine */
  verifiedAt?: string
  /** whose it is, where the provider has accounts */
  account?: string
  /** compute units an hour, where known */
  hourlyRate?: number
  idleTimeoutSeconds?: number
  expiresAt?: string
  lease?: Lease
  endpointUrl: string
  createdAt: string
  /** kernels by key: `default`, `control`, or the kernelspec asked for */
  kernels: Record<string, KnownKernel>
  /** kernels that were started for one execution, by id, and the process that will end them */
  ownKernels?: Record<string, ProcessMark>
}

/** A runtime as commands show it: the provider's answer, or the record marked with how old it is. */
export interface Runtime {
  id: string
  name: string
  provider: string
  state: RuntimeState
  accelerator: Accelerator
  createdAt: string
  url: string
  origin: RuntimeOrigin
  ephemeral: boolean
  verifiedAt?: string
  account?: string
  hourlyRate?: number
  /** the provider takes it away after so many idle seconds, and at this time at the latest */
  idleTimeoutSeconds?: number
  expiresAt?: string
  /** it releases itself: not before `until`, and later when it is used */
  lease?: {seconds: number; until: string}
  /** the default of the folder that the command runs in */
  isDefault: boolean
  /** when the provider said so; null: it could not be asked, this is what was known */
  checkedAt: string | null
  problem?: string
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** Parses a record file. Null when it is not one. Unknown extra fields are dropped. */
export function parseRecord(value: unknown): RuntimeRecord | null {
  if (!isRecord(value)) return null
  for (const key of ['id', 'name', 'provider', 'providerId', 'endpointUrl', 'createdAt'])
    if (typeof value[key] !== 'string') return null
  if (!isRecord(value['accelerator']) || typeof value['accelerator']['id'] !== 'string') return null
  const kernels: Record<string, KnownKernel> = {}
  for (const [key, known] of Object.entries(isRecord(value['kernels']) ? value['kernels'] : {})) {
    if (!isRecord(known)) continue
    const {id, name, language, process} = known
    if (typeof id !== 'string' || typeof name !== 'string' || typeof language !== 'string') continue
    kernels[key] = {id, name, language, ...(typeof process === 'string' ? {process} : {})}
  }
  const requested = isRecord(value['requested']) && typeof value['requested']['kind'] === 'string' ? value['requested'] : {kind: 'cpu'}
  // every field that the types promise was checked above or has a fallback here
  return {
    version: 1,
    id: value['id'] as string,
    name: value['name'] as string,
    provider: value['provider'] as string,
    providerId: value['providerId'] as string,
    origin: origins.find((one) => one === value['origin']) ?? 'created',
    ephemeral: value['ephemeral'] === true,
    requested: requested as RuntimeSpec['accelerator'],
    accelerator: value['accelerator'] as unknown as Accelerator,
    endpointUrl: value['endpointUrl'] as string,
    createdAt: value['createdAt'] as string,
    kernels,
    ...extras(value),
  }
}

const origins: RuntimeOrigin[] = ['created', 'added', 'adopted', 'foreign']

/** What a record may lack; of the wrong type it counts as absent. */
function extras(value: Record<string, unknown>): Partial<RuntimeRecord> {
  const of = (type: 'string' | 'number', ...keys: string[]): Record<string, unknown> =>
    Object.fromEntries(keys.filter((key) => typeof value[key] === type).map((key) => [key, value[key]]))
  const {lease, ownKernels} = value
  const own = Object.entries(isRecord(ownKernels) ? ownKernels : {}).flatMap(([id, value]): [string, ProcessMark][] => {
    const mark = parseMark(value)
    return mark ? [[id, mark]] : []
  })
  const known = isRecord(lease) && typeof lease['seconds'] === 'number' && typeof lease['renewedAt'] === 'string'
  return {
    ...of('string', 'verifiedAt', 'account', 'expiresAt'),
    ...of('number', 'hourlyRate', 'idleTimeoutSeconds'),
    ...(own.length > 0 ? {ownKernels: Object.fromEntries(own)} : {}),
    ...(known ? {lease: {seconds: Number(lease['seconds']), renewedAt: String(lease['renewedAt'])}} : {}),
  }
}

export interface Seen {
  /** what its provider says; null: it was not asked, or could not be */
  found: ProviderRuntime | null
  /** name or id of the default */
  usual: string | undefined
  now: Date
  problem?: string
}

/** What a provider says of a runtime beyond its accelerator, as a record keeps it. */
export function facts(found: ProviderRuntime): Pick<RuntimeRecord, 'account' | 'hourlyRate' | 'idleTimeoutSeconds' | 'expiresAt'> {
  const {account, hourlyRate, idleTimeoutSeconds, expiresAt} = found
  return {
    ...(account === undefined ? {} : {account}),
    ...(hourlyRate === undefined ? {} : {hourlyRate}),
    ...(idleTimeoutSeconds === undefined ? {} : {idleTimeoutSeconds}),
    ...(expiresAt === undefined ? {} : {expiresAt}),
  }
}

/** The record as commands show it. */
export function viewOf(record: RuntimeRecord, {found, usual, now, problem}: Seen): Runtime {
  const {account, hourlyRate, idleTimeoutSeconds, expiresAt, verifiedAt, lease} = record
  return {
    id: record.id,
    name: record.name,
    provider: record.provider,
    state: found?.state ?? 'unknown',
    // what was found on the machine counts more than what the provider believes
    accelerator: verifiedAt === undefined ? (found?.accelerator ?? record.accelerator) : record.accelerator,
    createdAt: record.createdAt,
    url: found?.endpointUrl ?? record.endpointUrl,
    origin: record.origin,
    ephemeral: record.ephemeral,
    ...(verifiedAt === undefined ? {} : {verifiedAt}),
    ...(account === undefined ? {} : {account}),
    ...(hourlyRate === undefined ? {} : {hourlyRate}),
    ...(idleTimeoutSeconds === undefined ? {} : {idleTimeoutSeconds}),
    ...(expiresAt === undefined ? {} : {expiresAt}),
    ...(found ? facts(found) : {}),
    ...(lease ? {lease: {seconds: lease.seconds, until: new Date(Date.parse(lease.renewedAt) + lease.seconds * 1000).toISOString()}} : {}),
    isDefault: usual !== undefined && (usual === record.name || usual === record.id),
    checkedAt: found ? now.toISOString() : null,
    ...(problem ? {problem} : {}),
  }
}
