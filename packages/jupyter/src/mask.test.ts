import assert from 'node:assert/strict'
import fc from 'fast-check'
import {mask, unmask} from './mask.ts'

describe('masking by words', () => {
  const bytes = fc.uint8Array({maxLength: 200})
  const key = fc.uint8Array({minLength: 4, maxLength: 4})
  const offset = fc.nat({max: 15})

  it('gives what byte by byte gives, wherever it lies in memory', () => {
    fc.assert(fc.property(bytes, key, offset, offset, (data, four, from, to) => {
      const source = new Uint8Array(data.length + 40).subarray(from, from + data.length)
      source.set(data)
      const output = new Uint8Array(data.length + 40).fill(7).subarray(from)
      mask(source, four, output, to, data.length)
      assert.deepEqual([...output.subarray(to, to + data.length)], [...data].map((byte, at) => byte ^ (four[at & 3] ?? 0)))
      assert.ok([...output.subarray(0, to), ...output.subarray(to + data.length)].every(byte => byte === 7 || byte === 0), 'others are left alone')
      assert.deepEqual(source, data, 'the source is as it was')
      const masked = output.subarray(to, to + data.length)
      unmask(masked, four)
      assert.deepEqual(Uint8Array.from(masked), data)
      mask(source, four, source, 0, data.length)
      unmask(source, four)
      assert.deepEqual(Uint8Array.from(source), data)
    }))
  })
})
