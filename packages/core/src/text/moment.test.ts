import assert from 'node:assert/strict'
import {parseMoment} from './moment.ts'

const now = Date.parse('2026-11-22T12:00:00Z')
const hour = 3_600_000

describe('a point in time', () => {
  const ago: [text: string, ms: number][] = [['90s', 90_000], ['10m', 600_000], ['1.5d', 36 * hour], ['2w', 336 * hour], ['1h30m', 1.5 * hour], ['500ms', 500], [' 2h ', 2 * hour]]
  for (const [text, ms] of ago) it(`${text} is so long ago`, () => assert.equal(parseMoment(text, now), now - ms))

  it('is by this machine\'s clock where it names no zone', () => {
    assert.equal(parseMoment('2026-11-22', now), new Date(2026, 10, 22).getTime())
    assert.equal(parseMoment('2026-11-22 16:00', now), new Date(2026, 10, 22, 16).getTime())
    assert.equal(parseMoment('2026-11-22T16:00', now), new Date(2026, 10, 22, 16).getTime())
    assert.equal(parseMoment('2026-11-22T16:00:00Z', now), Date.UTC(2026, 10, 22, 16))
    assert.equal(parseMoment('2026-11-22 16:00+01:00', now), Date.UTC(2026, 10, 22, 15))
  })

  for (const text of ['', 'soon', '-1h', '5', '2026', '2026-13-45', '1y', '1h soon', '2026-11-22x', `${'9'.repeat(10)}s`]) {
    it(`is not ${JSON.stringify(text)}`, () => assert.throws(() => parseMoment(text, now), {code: 'INVALID_TIME', exit: 64}))
  }
})
