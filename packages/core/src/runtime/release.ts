import type {ReleasedRuntime, ReleaseOptions, RuntimesOptions} from './options.ts'
import {hourlyRate} from './rate.ts'
import {type RuntimeRecord, viewOf} from './record.ts'

/** Releases one runtime; it is forgotten only when its provider said that it is gone. Idempotent. */
export async function releaseRuntime(options: RuntimesOptions, record: RuntimeRecord, {signal, takenAway}: ReleaseOptions): Promise<ReleasedRuntime> {
  const {registry, store, lifecycle, onRelease} = options
  const now = (): Date => options.now?.() ?? new Date()
  const provider = await registry.get(record.provider)
  const view = viewOf(record, {found: null, usual: undefined, now: now()})
  await lifecycle?.beforeRelease?.(view)
  const stopped = provider.capabilities.release && record.origin !== 'added'
  const rate = stopped ? await hourlyRate(provider, record, await store.list()) : undefined
  if (!takenAway) await onRelease?.(record)
  await provider.release(record.providerId, signal ? {signal} : {})
  await store.remove(record.id)
  await lifecycle?.afterRelease?.(view)
  const durationSeconds = Math.max(0, (now().getTime() - Date.parse(record.createdAt)) / 1000)
  return {
    id: record.id,
    name: record.name,
    provider: record.provider,
    durationSeconds,
    stopped,
    ...(rate === undefined ? {} : {computeUnits: Number(((rate * durationSeconds) / 3600).toFixed(4))}),
  }
}
