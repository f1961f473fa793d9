import assert from 'node:assert/strict'
import * as fc from 'fast-check'
import {encodeFrame, encodeJson, type Frame, FrameDecoder, FrameKind, maxFrameBytes} from './frames.ts'

const frame = fc.record({kind: fc.constantFrom(...Object.values(FrameKind)), body: fc.uint8Array({maxLength: 2000})}, {noNullPrototype: true})

function all(decoder: FrameDecoder): Frame[] {
  const found: Frame[] = []
  for (let one = decoder.next(); one; one = decoder.next()) found.push({kind: one.kind, body: Uint8Array.from(one.body)})
  return found
}

describe('frames', () => {
  it('come out as they went in, wherever the stream is cut', () => {
    fc.assert(fc.property(fc.array(frame, {maxLength: 12}), fc.array(fc.integer({min: 1, max: 700}), {minLength: 1}), (frames, cuts) => {
      const bytes = Buffer.concat(frames.map(({kind, body}) => encodeFrame(kind, body)))
      const decoder = new FrameDecoder()
      const found: Frame[] = []
      for (let at = 0, turn = 0; at < bytes.length; turn++) {
        const size = cuts[turn % cuts.length] ?? 1
        decoder.push(bytes.subarray(at, at + size))
        at += size
        found.push(...all(decoder))
      }
      assert.deepEqual(found, frames)
    }), {numRuns: 300})
  })

  it('are refused when they are none, or say that they are too long', () => {
    for (const head of [[0, 0, 0, 0, 1], [9, 0, 0, 0, 1], [0x47, 0x45, 0x54, 0x20, 0x2f], [1, 0xff, 0xff, 0xff, 0xff]]) {
      const decoder = new FrameDecoder()
      decoder.push(Uint8Array.from(head))
      assert.throws(() => decoder.next(), RangeError)
    }
    const greeting = new FrameDecoder(100)
    greeting.push(encodeFrame(FrameKind.json, new Uint8Array(101)))
    assert.throws(() => greeting.next(), RangeError)
  })

  it('carry what is too long for one in several', () => {
    const text = 'x'.repeat(maxFrameBytes + 10)
    const decoder = new FrameDecoder()
    decoder.push(encodeJson({text}))
    const parts = all(decoder)
    assert.deepEqual(parts.map(({kind}) => kind), [FrameKind.part, FrameKind.json])
    assert.equal(JSON.parse(Buffer.concat(parts.map(({body}) => body)).toString('utf8')).text, text)
  })
})
