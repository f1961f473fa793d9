import assert from 'node:assert/strict'
import fc from 'fast-check'
import {creditOf, creditPayload, FrameKind, frameHeader, framesOf} from './frames.ts'

const frame = fc.record({
  kind: fc.constantFrom(...Object.values(FrameKind)),
  connection: fc.integer({min: 0, max: 0xff_ff_ff_ff}),
  payload: fc.uint8Array({maxLength: 300}),
})
const batchOf = (frames: {kind: FrameKind; connection: number; payload: Uint8Array}[]): Buffer =>
  Buffer.concat(frames.flatMap(({kind, connection, payload}) => [frameHeader(kind, connection, payload.length), payload]))

describe('frames of a tunnel', () => {
  it('come back as they were said', () => {
    fc.assert(fc.property(fc.array(frame, {maxLength: 20}), (frames) => {
      const back = framesOf(batchOf(frames)).map(({payload, ...rest}) => ({...rest, payload: Uint8Array.from(payload)}))
      assert.deepEqual(back, frames.map(({kind, connection, payload}) => ({kind, connection, payload})))
    }))
  })

  it('are whole, or nothing of their batch is taken', () => {
    fc.assert(fc.property(fc.array(frame, {minLength: 1, maxLength: 5}), fc.nat(), (frames, cut) => {
      const batch = batchOf(frames)
      const ends = new Set(frames.map((_, index) => batchOf(frames.slice(0, index)).length))
      const at = cut % batch.length
      if (ends.has(at)) assert.doesNotThrow(() => framesOf(batch.subarray(0, at)))
      else assert.throws(() => framesOf(batch.subarray(0, at)), RangeError)
    }))
  })

  it('of anything that is none are refused, and never more is read than there is', () => {
    fc.assert(fc.property(fc.uint8Array({maxLength: 200}), (bytes) => {
      try {
        const read = framesOf(bytes)
        assert.equal(read.reduce((sum, {payload}) => sum + 9 + payload.length, 0), bytes.length)
      } catch (error) {
        assert.ok(error instanceof RangeError)
      }
    }))
  })

  it('grant what they say, and nothing when they say something else', () => {
    fc.assert(fc.property(fc.integer({min: 0, max: 0xff_ff_ff_ff}), (bytes) => assert.equal(creditOf(creditPayload(bytes)), bytes)))
    assert.equal(creditOf(new Uint8Array(3)), 0)
  })
})
