import assert from 'node:assert/strict'
import * as fc from 'fast-check'
import {Account} from './account.ts'
import {createClock} from './clock.ts'
import {accountConfig} from './config.ts'

const hour = 3_600_000
const near = (actual: number, expected: number): void => assert.ok(Math.abs(actual - expected) < 0.01, `${actual} is not ${expected}`)

function account(fields: object): {clock: ReturnType<typeof createClock>; account: Account; spent: () => number} {
  const clock = createClock()
  let spent = 0
  const made = new Account(accountConfig.parse({email: 'a@example.com', ...fields}), clock, () => {
    spent++
    made.rate = 0
    return Promise.resolve()
  })
  return {clock, account: made, spent: () => spent}
}

describe('a plan', () => {
  it('brings what it has, unless something else is said', () => {
    const {account: one} = account({tier: 'pro', eligible: {GPU: ['T4', 'A100']}, maxAssignments: 3})
    one.patch({tier: 'pro'})
    assert.deepEqual([one.settings.eligible.GPU, one.settings.maxAssignments], [['T4', 'A100'], 3])
    one.patch({tier: 'free'})
    assert.deepEqual([one.settings.eligible.GPU, one.settings.ineligible.GPU.includes('A100'), one.settings.maxAssignments], [['T4'], true, 2])
    one.patch({tier: 'pro+', eligible: {GPU: ['L4'], TPU: []}})
    assert.deepEqual([one.settings.eligible.GPU, one.settings.maxAssignments], [['L4'], 10])
  })
})

describe('metering', () => {
  it('takes the paid balance first, then the free quota, then says that all is spent', async () => {
    const {clock, account: one, spent} = account({tier: 'pro', balance: 3, freeQuota: {remaining: 1, units: 1, refillHours: 100}})
    one.rate = 2
    await clock.advance(hour)
    near(one.balance, 1)
    await clock.advance(0.75 * hour)
    near(one.balance, 0)
    near(one.free.remaining, 0.5)
    assert.equal(spent(), 0)
    await clock.advance(0.25 * hour)
    assert.equal(spent(), 1)
    assert.ok(one.exhausted)
    await clock.advance(10 * hour)
    assert.equal(spent(), 1)
  })

  it('fills the free quota again at its time', async () => {
    const {clock, account: one, spent} = account({freeQuota: {remaining: 10, units: 10, refillHours: 24}})
    const {refillsAt} = one.free
    one.rate = 0.4
    await clock.advance(23 * hour)
    near(one.free.remaining, 0.8)
    await clock.advance(2 * hour)
    near(one.free.remaining, 9.6)
    assert.equal(one.free.refillsAt, refillsAt + 24 * hour)
    assert.equal(spent(), 0)
    one.rate = 0
    await clock.advance(100 * hour)
    near(one.free.remaining, 10)
  })

  it('takes changes as they come', async () => {
    const {clock, account: one, spent} = account({balance: 1})
    one.rate = 1
    one.patch({balance: 5, freeQuota: {remaining: 0}, consent: {drive: true}})
    assert.deepEqual(one.settings.consent, {drive: true, user: false})
    await clock.advance(4.9 * hour)
    assert.equal(spent(), 0)
    await clock.advance(0.2 * hour)
    assert.equal(spent(), 1)
    one.close()
  })

  it('loses nothing to how the time is cut up', () => fc.assert(fc.asyncProperty(
    fc.array(fc.record({rate: fc.integer({min: 0, max: 20}), minutes: fc.integer({min: 0, max: 60})}), {maxLength: 10}), async (steps) => {
      const {clock, account: one} = account({balance: 1000, freeQuota: {remaining: 0, units: 0}})
      let used = 0
      for (const {rate, minutes} of steps) {
        one.rate = rate
        await clock.advance(minutes * 60_000)
        used += rate * minutes / 60
      }
      near(one.balance, 1000 - used)
      one.close()
    }), {numRuns: 50}))
})
