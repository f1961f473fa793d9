import type {RuntimeProvider} from '../provider.ts'
import {sameAccount} from './options.ts'
import type {RuntimeRecord} from './record.ts'

/** what it costs is nice to know, not worth a long wait */
const limitMs = 3_000

/**
 * Compute units an hour of one runtime. Providers tell what all runtimes of an account cost together: it is known where the
 * others' rates are. Undefined: not known.
 */
export async function hourlyRate(provider: RuntimeProvider, record: RuntimeRecord, known: readonly RuntimeRecord[]): Promise<number | undefined> {
  if (record.hourlyRate !== undefined || !provider.capabilities.computeUnits || !provider.usage) return record.hourlyRate
  const late = new Promise<undefined>((resolve) => void setTimeout(resolve, limitMs, undefined).unref())
  const usage = await Promise.race([provider.usage().catch(() => undefined), late])
  if (!usage?.hourlyRate || usage.runtimes === undefined) return undefined
  const {account} = usage
  if (record.account !== undefined && !sameAccount(account, record.account)) return undefined
  const others = known.filter((one) => one.provider === record.provider && one.id !== record.id && (one.account === undefined || sameAccount(one.account, account)))
  if (others.length + 1 !== usage.runtimes) return undefined
  const rate = others.reduce((left, one) => left - (one.hourlyRate ?? NaN), usage.hourlyRate)
  return rate > 0 ? Number(rate.toFixed(4)) : undefined
}
