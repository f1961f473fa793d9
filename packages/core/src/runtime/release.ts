import type {RuntimeProvider} from '../provider.ts'
import {type ReleasedRuntime, type RuntimesOptions, sameAccount} from './options.ts'
import {type RuntimeRecord, viewOf} from './record.ts'

/** what it cost is nice to know, not worth a wait */
const usageLimitMs = 3_000

/** Releases one runtime; it is forgotten only when its provider said that it is gone. Idempotent. */
export async function releaseRuntime(options: RuntimesOptions, record: RuntimeRecord, {signal}: {signal?: AbortSignal}): Promise<ReleasedRuntime> {
  const {registry, store, lifecycle} = options
  const now = (): Date => options.now?.() ?? new Date()
  const provider = await registry.get(record.provider)
  const view = viewOf(record, {found: null, usual: undefined, now: now()})
  await lifecycle?.beforeRelease?.(view)
  const stopped = provider.capabilities.release && record.origin !== 'added'
  const rate = stopped ? await hourlyRate(provider, record) : undefined
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

/** Of this runtime: as remembered, else that of the account when this is its only one. */
async function hourlyRate(provider: RuntimeProvider, record: RuntimeRecord): Promise<number | undefined> {
  if (record.hourlyRate !== undefined || !provider.capabilities.computeUnits || !provider.usage) return record.hourlyRate
  const late = new Promise<undefined>((resolve) => void setTimeout(resolve, usageLimitMs, undefined).unref())
  const usage = await Promise.race([provider.usage().catch(() => undefined), late])
  return usage?.runtimes === 1 && (record.account === undefined || sameAccount(usage.account, record.account)) ? usage.hourlyRate : undefined
}
