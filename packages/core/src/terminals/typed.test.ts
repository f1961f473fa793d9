import assert from 'node:assert/strict'
import {until} from '../../../../test/helpers/workbench.ts'
import {Typed} from './typed.ts'

/** A machine that takes input by offset, as an agent does, and tells of it a turn later. */
function machine({lose = 0, room = Infinity} = {}) {
  const bytes: number[] = []
  const state = {lose, room, sent: [] as number[]}
  const typed: Typed = new Typed({
    send: (offset, data) => {
      state.sent.push(offset)
      if (state.lose-- > 0) return
      const late = offset > bytes.length
      const fresh = late ? [] : data.subarray(bytes.length - offset).subarray(0, Math.max(0, state.room - bytes.length))
      bytes.push(...fresh)
      const again = bytes.length < offset + data.length
      setImmediate(() => typed.taken(bytes.length, {again}))
    },
    ask: async () => bytes.length,
  })
  return {state, typed, text: () => Buffer.from(bytes).toString()}
}

const arrived = (typed: Typed): Promise<void> => until(() => typed.waiting === 0, () => `${typed.waiting} bytes wait`, 8_000)

describe('what is typed', () => {
  it('goes out at once, without waiting for answers', async () => {
    const {typed, text, state} = machine()
    for (const key of 'hello') typed.push(Buffer.from(key))
    assert.deepEqual(state.sent, [0, 1, 2, 3, 4])
    await arrived(typed)
    assert.equal(text(), 'hello')
  })

  it('arrives once and in order when some of it is lost on the way', async () => {
    const {typed, text} = machine({lose: 3})
    for (let i = 0; i < 100; i++) typed.push(Buffer.from(`${i} `))
    await arrived(typed)
    assert.equal(text(), Array.from({length: 100}, (_, i) => `${i} `).join(''))
  })

  it('is asked for when the last of it was lost', async () => {
    const {typed, text, state} = machine()
    typed.push(Buffer.from('a'))
    await arrived(typed)
    state.lose = 1
    typed.push(Buffer.from('b'))
    await arrived(typed)
    assert.equal(text(), 'ab')
  }).timeout(10_000)

  it('waits for a program that does not read, and goes on when it does', async () => {
    const {typed, text, state} = machine({room: 10})
    typed.push(Buffer.from('0123456789abcdef'))
    await until(() => typed.waiting === 6, () => 'not taken')
    state.room = Infinity
    await arrived(typed)
    assert.equal(text(), '0123456789abcdef')
  })

  it('is sent in pieces, not all at once', async () => {
    const {typed, text, state} = machine()
    typed.push(Buffer.alloc(300_000, 'x'))
    assert.deepEqual(state.sent, [0, 32_768, 65_536, 98_304])
    await arrived(typed)
    assert.equal(text().length, 300_000)
  })
})
