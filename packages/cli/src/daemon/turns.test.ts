import assert from 'node:assert/strict'
import {Turns} from './turns.ts'

describe('what several environments see', () => {
  let now: number
  let turns: Turns
  beforeEach(() => {
    now = 0
    turns = new Turns({staleMs: 30, now: () => now})
  })
  const take = (who: string): Promise<boolean> => turns.during(who, async (turn) => turn.take('job'))

  it('is looked after in the first one only', async () => {
    assert.deepEqual([await take('a'), await take('b'), await take('a')], [true, false, true])
  })

  it('is another one\'s when the first is not there any more', async () => {
    await take('a')
    now = 29
    assert.equal(await take('b'), false)
    now = 30
    assert.deepEqual([await take('b'), await take('a')], [true, false])
  })

  it('stays with the one that is still at it, however long that takes', async () => {
    const {promise, resolve} = Promise.withResolvers<void>()
    const looking = turns.during('a', async (turn) => {
      turn.take('job')
      await promise
    })
    now = 1_000
    assert.equal(await take('b'), false)
    resolve()
    await looking
  })

  it('may be another one\'s when the first had no luck', async () => {
    await turns.during('a', async (turn) => {
      turn.take('job')
      turn.leave('job')
    })
    assert.equal(await take('b'), true)
  })
})
