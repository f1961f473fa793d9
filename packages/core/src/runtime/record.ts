import type {Accelerator, ProviderRuntime, RuntimeSpec, RuntimeState} from '../provider.ts'

/** A kernel that cgpu uses on a runtime, remembered so that the next command connects without asking. */
export interface KnownKernel {
  id: string
  name: string
  language: string
}

/** What this machine remembers of a runtime, one file each below `state/runtimes/`. No secrets. */
export interface RuntimeRecord {
  version: 1
  /** `<provider>-<id at the provider>` */
  id: string
  name: string
  provider: string
  providerId: string
  origin: 'created' | 'added'
  /** made by `cgpu run` for one run: released when that run ends, or by the reaper */
  ephemeral: boolean
  requested: RuntimeSpec['accelerator']
  accelerator: Accelerator
  endpointUrl: string
  createdAt: string
  /** kernels by key: `default`, `control`, or the kernelspec asked for */
  kernels: Record<string, KnownKernel>
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
  origin: 'created' | 'added'
  ephemeral: boolean
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
    const {id, name, language} = known
    if (typeof id === 'string' && typeof name === 'string' && typeof language === 'string') kernels[key] = {id, name, language}
  }
  const requested = isRecord(value['requested']) && typeof value['requested']['kind'] === 'string' ? value['requested'] : {kind: 'cpu'}
  // every field that the types promise was checked above or has a fallback here
  return {
    version: 1,
    id: value['id'] as string,
    name: value['name'] as string,
    provider: value['provider'] as string,
    providerId: value['providerId'] as string,
    origin: value['origin'] === 'added' ? 'added' : 'created',
    ephemeral: value['ephemeral'] === true,
    requested: requested as RuntimeSpec['accelerator'],
    accelerator: value['accelerator'] as unknown as Accelerator,
    endpointUrl: value['endpointUrl'] as string,
    createdAt: value['createdAt'] as string,
    kernels,
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

/** The record as commands show it. */
export function viewOf(record: RuntimeRecord, {found, usual, now, problem}: Seen): Runtime {
  return {
    id: record.id,
    name: record.name,
    provider: record.provider,
    state: found?.state ?? 'unknown',
    accelerator: found?.accelerator ?? record.accelerator,
    createdAt: record.createdAt,
    url: found?.endpointUrl ?? record.endpointUrl,
    origin: record.origin,
    ephemeral: record.ephemeral,
    isDefault: usual !== undefined && (usual === record.name || usual === record.id),
    checkedAt: found ? now.toISOString() : null,
    ...(problem ? {problem} : {}),
  }
}
