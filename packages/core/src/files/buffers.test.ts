import assert from 'node:assert/strict'
import {Buffers} from './buffers.ts'

describe('memory of pieces', () => {
  it('is used again once it was given back, and never twice at once', () => {
    const buffers = new Buffers()
    const [first, second] = [buffers.take(100), buffers.take(100)]
    assert.notEqual(first.buffer, second.buffer)
    buffers.give(first.subarray(10, 20))
    buffers.give(first)
    buffers.give(new Uint8Array(100))
    const third = buffers.take(60)
    assert.deepEqual([third.buffer, third.length], [first.buffer, 60])
    assert.notEqual(buffers.take(60).buffer, first.buffer)
    buffers.give(second)
    assert.equal(buffers.take(200).length, 200)
  })
})
