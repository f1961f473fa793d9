import assert from 'node:assert/strict'
import {until} from '../../../../test/helpers/workbench.ts'
import {measure, Progress} from './progress.ts'

/** A stream that keeps what is written, and a clock that is set by hand. */
function setUp(isTTY: boolean, env: NodeJS.ProcessEnv = {}) {
  const written: string[] = []
  const clock = {ms: 0}
  const stream = {isTTY, columns: 40, write: (text: string) => written.push(text)}
  return {written, clock, progress: new Progress({stream, env, now: () => clock.ms})}
}

describe('Progress', () => {
  it('prints a line for each new message where there is no terminal', () => {
    const {written, progress} = setUp(false)
    for (const message of ['one', 'one', 'two']) progress.show({message})
    assert.deepEqual(written, ['one\n', 'two\n'])
  })

  it('prints a line every 10 % of what takes long', () => {
    const {written, clock, progress} = setUp(false)
    for (let done = 0; done <= 100; done++) {
      clock.ms = done * 500
      progress.show({message: 'copying', done, total: 100})
    }
    assert.deepEqual(written.map((line) => /^copying (\d+)%/.exec(line)?.[1]), ['10', '20', '30', '40', '50', '60', '70', '80', '90', '100'])
  })

  it('says nothing of what is over at once', () => {
    const {written, progress} = setUp(false)
    for (let done = 0; done <= 100; done++) progress.show({message: 'copying', done, total: 100})
    assert.deepEqual(written, [])
  })

  it('prints a line every 10 s where nothing can be counted', () => {
    const {written, clock, progress} = setUp(false)
    for (clock.ms = 0; clock.ms <= 25_000; clock.ms += 1000) progress.show({message: 'waiting'})
    assert.equal(written.length, 3)
  })

  it('writes no escape bytes with NO_COLOR, CI or TERM=dumb', () => {
    for (const env of [{NO_COLOR: '1'}, {CI: '1'}, {TERM: 'dumb'}]) {
      const {written, progress} = setUp(true, env)
      progress.show({message: 'one\u001b[2J'})
      progress.done()
      assert.deepEqual(written, ['one\\x1b[2J\n'])
    }
  })

  it('takes the moving line away when all is done, and lets others begin another', async () => {
    const {written, clock, progress} = setUp(true)
    progress.show({message: 'uploading', done: 1, total: 2})
    clock.ms = 1000
    await until(() => written.join('').includes('uploading 50%'), () => written.join(''))
    progress.show({message: 'uploading', done: 2, total: 2})
    assert.equal(written.at(-1), '\r\u001b[K')
    const before = written.length
    await new Promise((resolve) => setTimeout(resolve, 200))
    assert.equal(written.length, before)
    progress.show({message: 'installing'})
    clock.ms = 2000
    await until(() => written.join('').includes('installing'), () => written.join(''))
    progress.done()
  })

  it('says nothing when quiet', () => {
    const written: string[] = []
    const progress = new Progress({quiet: true, stream: {write: (text: string) => written.push(text)}, env: {}})
    progress.show({message: 'one'})
    progress.done()
    assert.deepEqual(written, [])
  })

  it('tells how far and how long', () => {
    assert.equal(measure({message: 'x', done: 25, total: 100}, 5000), ' 25%, 15 s left')
    assert.equal(measure({message: 'x', done: 100, total: 100}, 5000), ' 100%')
    assert.equal(measure({message: 'x'}, 5000), '')
  })
})
