import assert from 'node:assert/strict'
import {type Place, type QueueOptions, runQueue} from './queue.ts'

interface Begun {
  job: string
  place: Place
  end: (result: string) => void
}

/** A queue whose work ends when the test says so. */
function started(options: Partial<QueueOptions<string, string>> & {jobs: string[]}) {
  const begun: Begun[] = []
  const told: string[] = []
  const results = runQueue<string, string>({
    places: ['a'], parallel: 1, isStopped: () => false, isLost: (result) => result === 'lost',
    work: (job, place) => new Promise((resolve) => begun.push({job, place, end: resolve})),
    onLost: (place, left) => told.push(`${place} lost, ${left} left`), onBack: (job) => told.push(`${job} again`), onResult: (job, result) => told.push(`${job} ${result}`),
    ...options,
  })
  const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))
  return {
    begun, told, results,
    async end(job: string, result = 'ok') {
      begun.findLast((one) => one.job === job)?.end(result)
      await turn()
    },
    shown: () => begun.map(({job, place}) => `${job}@${place}`),
  }
}

describe('the queue of a batch', () => {
  it('has so many at once, in order, each where there is the least work', async () => {
    const queue = started({jobs: ['1', '2', '3', '4', '5'], places: ['a', 'b'], parallel: 3})
    assert.deepEqual(queue.shown(), ['1@a', '2@b', '3@a'])
    await queue.end('2')
    assert.deepEqual(queue.shown().slice(3), ['4@b'])
    await queue.end('1')
    assert.deepEqual(queue.shown().slice(4), ['5@a'])
    for (const job of ['3', '4', '5']) await queue.end(job)
    assert.deepEqual([...(await queue.results).keys()].sort(), ['1', '2', '3', '4', '5'])
  })

  it('begins what was on a lost place once more, on another', async () => {
    const queue = started({jobs: ['1', '2', '3'], places: ['a', 'b'], parallel: 2})
    await queue.end('1', 'lost')
    assert.deepEqual(queue.shown(), ['1@a', '2@b', '1@b'])
    await queue.end('1')
    await queue.end('2')
    assert.deepEqual(queue.shown().slice(3), ['3@b'])
    await queue.end('3')
    assert.deepEqual([...(await queue.results)], [['1', 'ok'], ['2', 'ok'], ['3', 'ok']])
    assert.deepEqual(queue.told, ['a lost, 1 left', '1 again', '1 ok', '2 ok', '3 ok'])
  })

  it('gives up what is lost twice, and leaves the rest where no place is left', async () => {
    const queue = started({jobs: ['1', '2', '3'], places: ['a', 'b'], parallel: 2})
    await queue.end('1', 'lost')
    await queue.end('1', 'lost')
    await queue.end('2', 'lost')
    assert.deepEqual([...(await queue.results)], [['1', 'lost'], ['2', 'lost']])
    assert.deepEqual(queue.told, ['a lost, 1 left', '1 again', 'b lost, 0 left', '1 lost', '2 lost'])
  })

  it('begins nothing more when it is stopped, and waits for what runs', async () => {
    let stopped = false
    const queue = started({jobs: ['1', '2', '3'], places: ['a', 'b'], parallel: 2, isStopped: () => stopped})
    stopped = true
    await queue.end('1', 'lost')
    await queue.end('2')
    assert.deepEqual([...(await queue.results)], [['1', 'lost'], ['2', 'ok']])
    assert.deepEqual([...(await started({jobs: []}).results)], [])
  })
})
