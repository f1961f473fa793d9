import assert from 'node:assert/strict'
import * as fc from 'fast-check'
import {createClock} from './clock.ts'

describe('clock', () => {
  it('runs what falls due while it advances, in order, each at its time', async () => {
    const clock = createClock()
    const start = clock.now()
    const seen: [string, number][] = []
    const note = (name: string) => () => void seen.push([name, Math.floor((clock.now() - start) / 1000)])
    clock.at(start + 20_000, note('b'))
    clock.at(start + 10_000, note('a'))
    clock.at(start + 20_000, note('c'))
    clock.at(start + 60_000, note('late'))
    await clock.advance(30_000)
    assert.deepEqual(seen, [['a', 10], ['b', 20], ['c', 20]])
    assert.ok(clock.now() - start >= 30_000 && clock.now() - start < 40_000)
  })

  it('waits for what it runs, and runs what that asks for on the way', async () => {
    const clock = createClock()
    const seen: string[] = []
    clock.at(clock.now() + 1000, async () => {
      await new Promise((resolve) => setImmediate(resolve))
      seen.push('first')
      clock.at(clock.now() + 1000, () => void seen.push('second'))
    })
    await clock.advance(10_000)
    assert.deepEqual(seen, ['first', 'second'])
  })

  it('runs by real time, too, and nothing that was cancelled', async () => {
    const clock = createClock()
    let cancelled = true
    clock.at(clock.now() + 1, () => { cancelled = false })()
    await new Promise<void>((resolve) => {
      clock.at(clock.now() + 5, resolve)
      // its own timer keeps no process alive
      const held = setInterval(() => undefined, 1000)
      clock.at(clock.now() + 5, () => clearInterval(held))
    })
    assert.ok(cancelled)
  })

  it('does all that is due although some of it fails, and says so', async () => {
    const clock = createClock()
    let done = false
    clock.at(clock.now() + 1000, () => { throw new Error('broken') })
    clock.at(clock.now() + 1000, () => { done = true })
    await assert.rejects(clock.advance(2000), /broken/)
    assert.ok(done)
    await clock.advance(1)
  })

  it('does not go back', () => {
    assert.throws(() => createClock().advance(-1), RangeError)
    assert.throws(() => createClock().advance(Number.NaN), RangeError)
  })

  it('keeps any set of timers in order', () => fc.assert(fc.asyncProperty(fc.array(fc.nat(100_000)), fc.array(fc.nat(30_000)), async (times, steps) => {
    const clock = createClock()
    const start = clock.now()
    const seen: number[] = []
    for (const time of times) clock.at(start + 1000 + time, () => void seen.push(time))
    for (const step of steps) await clock.advance(step)
    await clock.advance(200_000)
    assert.deepEqual(seen, times.toSorted((a, b) => a - b))
  }), {numRuns: 50}))
})
