import assert from 'node:assert/strict'
import * as fc from 'fast-check'
import {createClock} from './clock.ts'
import {worldConfig} from './config.ts'
import {createDice} from './dice.ts'
import {World} from './world.ts'

type Step = {do: 'assign'; notebook: number; accelerator: string; email: string} | {do: 'end' | 'use'; pick: number} | {do: 'advance'; minutes: number} | {do: 'reset'}

const email = fc.constantFrom('a@example.com', 'b@example.com')
const steps = fc.array(fc.oneof(
  {weight: 5, arbitrary: fc.record({do: fc.constant('assign' as const), notebook: fc.nat(5), accelerator: fc.constantFrom('NONE', 'T4', 'A100', 'H100'), email})},
  {weight: 3, arbitrary: fc.record({do: fc.constantFrom('end' as const, 'use' as const), pick: fc.nat(9)})},
  {weight: 3, arbitrary: fc.record({do: fc.constant('advance' as const), minutes: fc.nat(300)})},
  {weight: 1, arbitrary: fc.constant({do: 'reset' as const})},
), {maxLength: 40})

describe('any course of events', () => {
  it('keeps machines, money and limits together', () => fc.assert(fc.asyncProperty(steps, async (course: Step[]) => {
    const running = new Set<string>()
    const world = new World({
      clock: createClock(), dice: createDice('model'),
      config: worldConfig.parse({
        fit: 3600, capacity: {A100: 1},
        accounts: [
          {email: 'a@example.com', tier: 'pro', balance: 20, maxAssignments: 3, eligible: {GPU: ['T4', 'A100']}},
          {email: 'b@example.com', maxAssignments: 1, freeQuota: {remaining: 2, refillHours: 24}},
        ],
      }),
      machines: () => ({
        start: async (spec) => {
          await new Promise((resolve) => setImmediate(resolve))
          running.add(spec.endpoint)
          return {endpoint: spec.endpoint, url: '', portUrl: () => Promise.resolve(''), stop: () => Promise.resolve(void running.delete(spec.endpoint))}
        },
        close: () => Promise.resolve(),
      }),
    })
    for (const step of course) {
      const picked = (pick: number): string => world.fleet.list()[pick % Math.max(1, world.fleet.list().length)]?.endpoint ?? ''
      const before = new Map(world.accounts().map((one) => [one.email, one.balance]))
      if (step.do === 'assign') {
        const account = world.account(step.email)
        assert.ok(account)
        const result = await world.assign(account, {nbh: String(step.notebook), accelerator: step.accelerator, highMem: false})
        if ('assignment' in result) assert.equal(result.assignment.email, step.email)
      } else if (step.do === 'advance') await world.advance(step.minutes * 60_000)
      else if (step.do === 'reset') await world.reset()
      else if (step.do === 'end') await world.fleet.end(picked(step.pick), 'unassigned')
      else world.used(picked(step.pick))

      const live = world.fleet.list()
      assert.deepEqual(new Set(live.map((one) => one.endpoint)), running)
      assert.ok(live.filter((one) => one.accelerator === 'A100').length <= 1)
      for (const account of world.accounts()) {
        const own = world.fleet.list(account.email)
        assert.ok(own.length <= account.settings.maxAssignments)
        assert.ok(Math.abs(account.rate - own.reduce((sum, one) => sum + one.rate, 0)) < 1e-5)
        assert.ok(account.balance >= 0 && account.free.remaining >= 0)
        if (step.do !== 'reset') assert.ok(account.balance <= (before.get(account.email) ?? 0))
        assert.ok(own.length === 0 || !account.exhausted)
      }
      for (const one of live) assert.ok(one.endsAt > world.clock.now() && one.usedAt + 3_600_000 > world.clock.now())
    }
    await world.close()
    assert.equal(running.size, 0)
  }), {numRuns: 150}))
})
