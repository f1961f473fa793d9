import assert from 'node:assert/strict'
import {CgpuError, errors} from '../errors.ts'
import type {ProgressEvent} from '../provider.ts'
import {climb, type LadderOptions, type Rung} from './ladder.ts'

const gpu = (model: string): Rung => ({kind: 'gpu', model})
const [a100, l4, t4] = [gpu('a100'), gpu('l4'), gpu('t4')]

const capacity = (details?: Record<string, unknown>): Error =>
  errors.quota('there is none free right now', {code: 'ACCELERATOR_UNAVAILABLE', category: 'capacity', retryable: true, fix: 'try later', ...(details ? {details} : {})})
const entitlement = (): Error => errors.quota('this account may not use it', {code: 'ACCELERATOR_UNAVAILABLE', category: 'quota', fix: 'cgpu runtime accelerators'})

/** Time that passes only while something sleeps; what each attempt answers; what was said. */
function world(answer: (rung: Rung, attempt: number, now: number) => unknown, options: LadderOptions = {}) {
  let now = 0
  const tried: string[] = []
  const at: number[] = []
  const progress: ProgressEvent[] = []
  const warnings: string[] = []
  const run = (rungs: Rung[]): Promise<string> =>
    climb(
      rungs,
      async (rung) => {
        const name = rung.kind === 'cpu' ? 'cpu' : (rung.model ?? 'any')
        tried.push(name)
        at.push(now)
        const given = answer(rung, tried.length, now)
        if (given instanceof Error) throw given
        return name
      },
      {
        now: () => now, random: () => 0.5, onProgress: (event) => progress.push(event), onWarning: (message) => warnings.push(message),
        sleep: async (ms, signal) => {
          signal?.throwIfAborted()
          now += ms
        },
        ...options,
      },
    )
  return {run, tried, at, progress, warnings}
}

describe('the ladder of accelerators', () => {
  it('takes the first that can be had, and asks for no other', async () => {
    const {run, tried} = world((rung) => (rung === a100 ? capacity() : 'ok'))
    assert.equal(await run([a100, l4, t4]), 'l4')
    assert.deepEqual(tried, ['a100', 'l4'])
  })

  it('goes on when the account may not use one, and says so', async () => {
    const {run, warnings} = world((rung) => (rung === a100 ? entitlement() : 'ok'))
    assert.equal(await run([a100, l4]), 'l4')
    assert.deepEqual(warnings, ['a100: this account may not use it; trying l4'])
  })

  it('stops at what another accelerator does not help against', async () => {
    const stops = [
      errors.quota('too many', {code: 'TOO_MANY_RUNTIMES'}), errors.quota('no', {code: 'ACCOUNT_DENYLISTED'}), errors.auth('who', {code: 'SIGN_IN_REQUIRED'}),
      errors.network('down', {code: 'UNREACHABLE', retryable: true}), errors.vetoed('no', {code: 'VETOED'}), new Error('a bug'),
    ]
    for (const stop of stops) {
      const {run, tried} = world(() => stop, {waitMs: 60_000})
      await assert.rejects(run([a100, l4]), (error) => error === stop)
      assert.deepEqual(tried, ['a100'])
    }
  })

  it('ends in one error that lists what was tried and why', async () => {
    const {run} = world((rung) => (rung === l4 ? entitlement() : capacity()))
    await assert.rejects(run([a100, l4, t4]), (error) => {
      assert.ok(error instanceof CgpuError)
      assert.equal(error.message, 'no a100, l4, or t4 could be had: a100: there is none free right now; l4: this account may not use it; t4: there is none free right now')
      assert.deepEqual([error.code, error.exit, error.category, error.retryable], ['ACCELERATOR_UNAVAILABLE', 68, 'capacity', true])
      assert.match(error.fix ?? '', /--wait/)
      assert.deepEqual((error.details?.['tried'] as {accelerator: string}[]).map((one) => one.accelerator), ['a100', 'l4', 't4'])
      return true
    })
  })

  it('gives the only error of the only accelerator, with what can be done', async () => {
    await assert.rejects(world(capacity).run([t4]), {message: 'there is none free right now', code: 'ACCELERATOR_UNAVAILABLE', retryable: true, fix: /--wait 30m/})
    const only = entitlement()
    await assert.rejects(world(() => only).run([t4]), (error) => error === only)
  })

  it('waits with growing pauses, and never asks again for what it may not have', async () => {
    const {run, tried, at, progress} = world((rung, _attempt, now) => (rung === l4 ? entitlement() : now < 200_000 ? capacity() : 'ok'), {waitMs: 30 * 60_000})
    assert.equal(await run([a100, l4, t4]), 'a100')
    assert.deepEqual(tried.filter((one) => one === 'l4'), ['l4'])
    const pauses = [...new Set(at)].map((time, i, all) => time - (all[i - 1] ?? 0)).slice(1)
    assert.deepEqual(pauses, [5_000, 10_000, 20_000, 40_000, 60_000, 60_000, 60_000].slice(0, pauses.length))
    assert.equal(progress.find((one) => one.message.includes('waiting'))?.message, 'no a100 or t4 is free; waiting, 30 m at most')
  })

  it('gives up when the time is over, after a last try', async () => {
    const {run, at} = world(() => capacity(), {waitMs: 60_000})
    await assert.rejects(run([a100, t4]), {code: 'ACCELERATOR_UNAVAILABLE', message: /^no a100 or t4 could be had within 1 m: /})
    assert.equal(at.at(-1), 60_000)
  })

  it('does not wait when nothing can become free', async () => {
    const {run, at} = world(entitlement, {waitMs: 60_000})
    await assert.rejects(run([a100, t4]), {category: 'quota', retryable: false})
    assert.deepEqual(at, [0, 0])
  })

  it('waits as long as it is told to', async () => {
    const {run, at} = world((_rung, attempt) => (attempt === 1 ? capacity({retryAfterSeconds: 77}) : 'ok'), {waitMs: 600_000})
    await run([t4])
    assert.deepEqual(at, [0, 77_000])
  })

  it('outlasts a network that is down for a while, once it waits', async () => {
    const {run} = world((_rung, attempt) => [capacity(), errors.network('down', {code: 'UNREACHABLE', retryable: true})][attempt - 1] ?? 'ok', {waitMs: 600_000})
    assert.equal(await run([t4]), 't4')
  })

  it('stops at once when it is aborted', async () => {
    const stop = new AbortController()
    const {run, tried} = world(() => {
      stop.abort(errors.interrupted('interrupted', {code: 'INTERRUPTED'}))
      return capacity()
    }, {waitMs: 600_000, signal: stop.signal})
    await assert.rejects(run([a100, t4]), {code: 'INTERRUPTED'})
    assert.deepEqual(tried, ['a100'])
  })
})
