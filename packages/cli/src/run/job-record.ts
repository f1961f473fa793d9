import type {Cgpu} from '@cgpu/core/cgpu'
import type {RunRequest} from '@cgpu/core/execution/plan'
import type {RestartPolicy} from '@cgpu/core/execution/run'
import type {JobRecord, JobSpec} from '@cgpu/core/job/record'
import type {RuntimeRecord} from '@cgpu/core/runtime/record'
import {markSelf} from '@cgpu/core/state/self'

export interface NewJob {
  id: string
  request: RunRequest
  secretNames: string[]
  runtime: RuntimeRecord
  releases: boolean
  fingerprint: string
  detached: boolean
  /** absolute */
  outputDir: string
  restarts?: RestartPolicy | undefined
  retryOf?: string | undefined
  /** it stays open: others feed it */
  stdin?: 'open'
}

const specKeys = ['gpu', 'tpu', 'cpu', 'high-ram', 'image'] as const

/** What is remembered of a run: enough to find it, to follow it, and to ask for it again. No values of variables. */
export function jobRecord(cgpu: Cgpu, {request, secretNames, runtime, retryOf, restarts, ...job}: NewJob): JobRecord {
  const {env, ...rest} = request
  return {
    ...job, starter: markSelf(), createdAt: new Date().toISOString(), runtime: {id: runtime.id, name: runtime.name, provider: runtime.provider},
    request: {...rest, envNames: Object.keys(env), secretNames, ...(restarts ? {restarts} : {})}, spec: specOf(cgpu, runtime),
    ...(runtime.account === undefined || cgpu.realms.here === null ? {} : {realm: cgpu.realms.here}),
    ...(retryOf === undefined ? {} : {retryOf}),
  }
}

/** The machine as it was asked for; one that was there already, as it is. */
function specOf({settings}: Cgpu, {provider, requested, ephemeral, account}: RuntimeRecord): JobSpec {
  // whose units it takes
  const owner = account === undefined ? {} : {account}
  if (!ephemeral) return {provider, settings: {...owner, ...(requested.kind === 'cpu' ? {} : {[requested.kind]: requested.model ?? 'any'})}}
  const given = specKeys.flatMap((key) => {
    const value = settings.get(key)?.value
    return value === undefined || value === false ? [] : [[key, value] as const]
  })
  return {provider, settings: {...owner, ...Object.fromEntries(given)}}
}
