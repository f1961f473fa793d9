import assert from 'node:assert/strict'
import {setImmediate as turn} from 'node:timers/promises'
import {CgpuError} from '../errors.ts'
import {Typed} from './typed.ts'

/** A machine that takes input by offset. */
function machine() {
  const taken: number[] = []
  const state = {room: Infinity, fails: 0, asked: [] as number[]}
  const take = async (offset: number, data: Uint8Array): Promise<number> => {
    state.asked.push(offset)
    await turn()
    if (state.fails > 0 && data.length > 0) {
      state.fails--
      throw new Error('lost')
    }
    if (offset > taken.length) throw new CgpuError('a hole', {code: 'X', category: 'internal', exit: 70, details: {remote: 'GAP'}})
    const fresh = data.subarray(taken.length - offset).subarray(0, Math.max(0, state.room - taken.length))
    taken.push(...fresh)
    return taken.length
  }
  return {state, take, text: () => Buffer.from(taken).toString()}
}

async function until(condition: () => boolean): Promise<void> {
  const late = performance.now() + 5000
  while (!condition()) {
    assert.ok(performance.now() < late, 'gave up waiting')
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}

describe('what is typed', () => {
  it('goes out at once, without waiting for answers', async () => {
    const {take, text, state} = machine()
    const typed = new Typed(take)
    for (const key of 'hello') typed.push(Buffer.from(key))
    assert.deepEqual(state.asked, [0, 1, 2, 3, 4])
    await until(() => typed.waiting === 0)
    assert.equal(text(), 'hello')
  })

  it('arrives once and in order when answers are lost', async () => {
    const {take, text, state} = machine()
    const typed = new Typed(async (offset, data) => {
      const size = await take(offset, data)
      if (state.fails-- > 0 && data.length > 0) throw new Error('the answer was lost')
      return size
    })
    state.fails = 3
    for (let i = 0; i < 100; i++) typed.push(Buffer.from(`${i} `))
    await until(() => typed.waiting === 0)
    assert.equal(text(), Array.from({length: 100}, (_, i) => `${i} `).join(''))
  })

  it('waits for a program that does not read, and goes on when it does', async () => {
    const {take, text, state} = machine()
    const typed = new Typed(take)
    state.room = 10
    typed.push(Buffer.from('0123456789abcdef'))
    await until(() => typed.waiting === 6)
    state.room = Infinity
    await until(() => typed.waiting === 0)
    assert.equal(text(), '0123456789abcdef')
  })

  it('is sent in pieces that one message can hold', async () => {
    const {take, text, state} = machine()
    const typed = new Typed(take)
    typed.push(Buffer.alloc(200_000, 'x'))
    await until(() => typed.waiting === 0)
    assert.equal(text().length, 200_000)
    assert.deepEqual(state.asked, [0, 65_536, 131_072, 196_608])
  })
})
