import {CgpuError} from '@cgpu/core/errors'
import {isAlive} from '@cgpu/core/state/process'
import {AssignRefused} from './api/api.ts'
import type {Colab} from './context.ts'
import {machinesOf, remembered} from './look.ts'
import {releaseRuntime} from './release.ts'
import type {Made} from './state/records.ts'

/** A request that its asker did not live to see answered may be carried out so much later. */
const unansweredMs = 5 * 60_000

interface Reaped {
  id: string
  reason: string
}

/**
 * Releases machines whose command died before it was done with them, and forgets intents that came to nothing. One that cannot be
 * released now keeps no other from it: its error is thrown when nothing was done, else it becomes a warning, as do further ones.
 */
export async function reapRuntimes(colab: Colab): Promise<Reaped[]> {
  const reaped: Reaped[] = []
  const failures: CgpuError[] = []
  const attempt = async (work: () => Promise<void>): Promise<void> => work().catch((error: unknown) => {
    if (!(error instanceof CgpuError)) throw error
    failures.push(error)
  })
  const {made} = await colab.records.read()
  const orphans = (await Promise.all(Object.values(made).map(async (one) => ((await isOrphan(one)) ? [one] : [])))).flat()
  for (const account of new Set(orphans.map((one) => one.account))) {
    await attempt(async () => {
      // gives endpoints to intents, and forgets machines that are gone
      await machinesOf(colab, account).catch(async (error: unknown) => {
        await remembered(colab, account)
        throw error
      })
      const now = (await colab.records.read()).made
      for (const {key} of orphans.filter((one) => one.account === account)) {
        const one = now[key]
        if (one) await attempt(() => reap(colab, one, reaped))
      }
    })
  }
  const first = reaped.length === 0 ? failures.shift() : undefined
  for (const {message} of failures) colab.context.onWarning?.(`a machine may have been left: ${message}`)
  if (first) throw first
  return reaped
}

async function reap(colab: Colab, {key, endpoint, account, createdAt}: Made, reaped: Reaped[]): Promise<void> {
  if (endpoint !== undefined) {
    await releaseRuntime(colab, endpoint)
    reaped.push({id: endpoint, reason: 'its owner was killed'})
    return
  }
  const released = await (await colab.api(account)).withdraw(key).catch((error: unknown) => {
    // nobody may have a machine for this key, so nobody has one
    if (error instanceof AssignRefused) return false
    throw error
  })
  if (released) reaped.push({id: key, reason: 'its owner was killed before it knew of it'})
  if (released || colab.effects.wall() - Date.parse(createdAt) > unansweredMs) await forget(colab, key)
}

async function isOrphan({owner}: Made): Promise<boolean> {
  return owner !== null && !(await isAlive(owner.pid, owner.startTime))
}

function forget(colab: Colab, key: string): Promise<unknown> {
  return colab.records.update(({made, seen}) => ({made: Object.fromEntries(Object.entries(made).filter(([one]) => one !== key)), seen}))
}
