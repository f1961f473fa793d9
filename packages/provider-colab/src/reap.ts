import {isAlive} from '@cgpu/core/state/process'
import type {Colab} from './context.ts'
import {machinesOf} from './look.ts'
import {releaseRuntime} from './release.ts'
import type {Made} from './state/records.ts'

/** A request that its asker did not live to see answered may be carried out so much later. */
const unansweredMs = 5 * 60_000

/** Releases machines whose command died before it was done with them, and forgets intents that came to nothing. */
export async function reapRuntimes(colab: Colab): Promise<{id: string; reason: string}[]> {
  const reaped: {id: string; reason: string}[] = []
  const {made} = await colab.records.read()
  const orphans = (await Promise.all(Object.values(made).map(async (one) => ((await isOrphan(one)) ? [one] : [])))).flat()
  for (const account of new Set(orphans.map((one) => one.account))) {
    // gives endpoints to intents, and forgets machines that are gone
    await machinesOf(colab, account)
    const now = (await colab.records.read()).made
    for (const {key} of orphans.filter((one) => one.account === account)) {
      const one = now[key]
      if (!one) continue
      if (one.endpoint !== undefined) {
        await releaseRuntime(colab, one.endpoint)
        reaped.push({id: one.endpoint, reason: 'its owner was killed'})
        continue
      }
      const released = await (await colab.api(account)).withdraw(key)
      if (released) reaped.push({id: key, reason: 'its owner was killed before it knew of it'})
      if (released || colab.effects.wall() - Date.parse(one.createdAt) > unansweredMs) await forget(colab, key)
    }
  }
  return reaped
}

async function isOrphan({owner}: Made): Promise<boolean> {
  return owner !== null && !(await isAlive(owner.pid, owner.startTime))
}

function forget(colab: Colab, key: string): Promise<unknown> {
  return colab.records.update(({made, seen}) => ({made: Object.fromEntries(Object.entries(made).filter(([one]) => one !== key)), seen}))
}
