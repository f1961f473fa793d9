import assert from 'node:assert/strict'
import {GoneWatch} from './gone-watch.ts'

const settled = (): Promise<void> => new Promise(resolve => setImmediate(resolve))

describe('whether a server is gone for good', () => {
  it('is asked at the second failure, and not again soon', async () => {
    let asked = 0
    const watch = new GoneWatch(async () => ++asked < 0)
    watch.failed()
    assert.equal(asked, 0)
    for (let i = 0; i < 5; i++) watch.failed()
    await settled()
    assert.deepEqual([asked, watch.signal.aborted], [1, false])
  })

  it('is asked at the first failure when that took long', async () => {
    const now = performance.now.bind(performance)
    const watch = new GoneWatch(async () => true)
    performance.now = () => now() + 30_000
    try {
      watch.failed()
    } finally {
      performance.now = now
    }
    await settled()
    assert.ok(watch.signal.aborted)
    assert.equal((watch.signal.reason as {code?: string}).code, 'GONE') // a JupyterError
  })

  it('is asked once for all who want to know, and no answer is not a yes', async () => {
    let asked = 0
    const watch = new GoneWatch(async () => {
      asked++
      throw new Error('offline')
    })
    assert.deepEqual(await Promise.all([watch.certain(), watch.certain()]), [false, false])
    assert.equal(asked, 1)
    assert.equal(await new GoneWatch(undefined).certain(), false)
  })
})
