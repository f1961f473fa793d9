import assert from 'node:assert/strict'
import fc from 'fast-check'
import {FrameReader} from './frames.ts'

const frame = (opcode: number, length: number, masked: boolean): Buffer => {
  const mask = masked ? 0x80 : 0
  const head = length < 126 ? [length | mask] : length < 65_536 ? [126 | mask, length >> 8, length & 255] : [127 | mask, 0, 0, 0, 0, 0, length >> 16, (length >> 8) & 255, length & 255]
  // the payload looks like heads of frames
  return Buffer.concat([Buffer.from([0x80 | opcode, ...head, ...(masked ? [1, 2, 3, 4] : [])]), Buffer.alloc(length, 0x81)])
}

describe('a reader of WebSocket frames', () => {
  it('finds the end of every frame, however they are cut', () => {
    const frames = fc.array(fc.record({opcode: fc.constantFrom(0, 1, 2, 8, 9, 10), length: fc.constantFrom(0, 1, 125, 126, 300, 65_535, 65_536, 70_000), masked: fc.boolean()}), {minLength: 1, maxLength: 5})
    fc.assert(fc.property(frames, fc.array(fc.integer({min: 1, max: 70_000}), {minLength: 1, maxLength: 20}), (list, cuts) => {
      const all = list.map(({opcode, length, masked}) => frame(opcode, length, masked))
      const ends = new Set(all.map((_, index) => all.slice(0, index + 1).reduce((sum, one) => sum + one.length, 0)))
      const reader = new FrameReader()
      const bytes = Buffer.concat(all)
      let data = false
      for (let at = 0, turn = 0; at < bytes.length; turn++) {
        const next = Math.min(bytes.length, at + (cuts[turn % cuts.length] ?? 1))
        data = reader.push(bytes.subarray(at, next)) || data
        at = next
        assert.equal(reader.between, ends.has(at))
      }
      assert.equal(data, list.some(({opcode}) => opcode < 8))
    }), {numRuns: 200})
  })
})
