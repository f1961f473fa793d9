import assert from 'node:assert/strict'
import * as fc from 'fast-check'
import {formatBytes, formatDuration, formatRate, formatRelative} from './format.ts'

describe('formats for people', () => {
  for (const [bytes, text] of [[0, '0 B'], [1023, '1023 B'], [1024, '1 KiB'], [1536, '1.5 KiB'], [1024 ** 2 - 1, '1 MiB'], [16 * 2 ** 30, '16 GiB'], [99.96 * 1024, '100 KiB'], [-2048, '-2 KiB'], [2 ** 60, '1024 PiB'], [Number.NaN, 'unknown size']] as const) {
    it(`shows ${bytes} bytes as ${text}`, () => assert.equal(formatBytes(bytes), text))
  }

  for (const [ms, text] of [
    [0, '0 s'], [420, '0.4 s'], [9_940, '9.9 s'], [9_960, '10 s'], [59_400, '59 s'], [59_600, '1 m'], [72_000, '1 m 12 s'], [3_599_600, '1 h'],
    [11_100_000, '3 h 5 m'], [86_400_000, '1 d'], [187_200_000, '2 d 4 h'], [-5, '0 s'], [Infinity, 'unknown time'],
  ] as const) {
    it(`shows ${ms} ms as ${text}`, () => assert.equal(formatDuration(ms), text))
  }

  it('never shows 60 seconds, 60 minutes or 24 hours beside a bigger unit', () => {
    fc.assert(fc.property(fc.double({min: 0, max: 1e10, noNaN: true}), ms => {
      assert.match(formatDuration(ms), /^(\d(\.\d)? s|[1-5]?\d s|\d+ m( [1-5]?\d s)?|\d+ h( [1-5]?\d m)?|\d+ d( (1?\d|2[0-3]) h)?)$/)
    }), {numRuns: 2000})
  })

  it('shows times relative to now', () => {
    const now = Date.UTC(2026, 10, 22)
    assert.equal(formatRelative(now - 1000, now), 'just now')
    assert.equal(formatRelative(now - 312_000, now), '5 m ago')
    assert.equal(formatRelative(now + 7_300_000, now), 'in 2 h')
    assert.equal(formatRelative(now - 3 * 86_400_000, now), '3 d ago')
    assert.equal(formatRelative(Number.NaN, now), 'unknown')
  })

  it('shows rates', () => {
    assert.equal(formatRate(10 * 2 ** 20, 500), '20 MiB/s')
    assert.equal(formatRate(1, 0), 'unknown rate')
  })
})
