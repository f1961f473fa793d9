import assert from 'node:assert/strict'
import fc from 'fast-check'
import {everyText, parseWhen, timesOf, type WhenTexts} from './when.ts'

const now = Date.parse('2026-11-28T12:00:00Z')
const berlin = 'Europe/Berlin'
const newYork = 'America/New_York'

async function following(cron: string, timezone: string, from: string, count: number): Promise<string[]> {
  const times = await timesOf({when: {cron, timezone}, createdAt: from})
  const found: string[] = []
  for (let at = times.next(Date.parse(from)); at !== undefined && found.length < count; at = times.next(at)) found.push(new Date(at).toISOString().slice(0, 16))
  return found
}

describe('times of a schedule', () => {
  const cases: [about: string, cron: string, zone: string, from: string, expected: string[]][] = [
    ['a night', '0 3 * * *', berlin, '2026-11-28T12:00Z', ['2026-11-29T02:00', '2026-11-30T02:00']],
    ['working days', '30 9 * * 1-5', 'UTC', '2026-11-27T12:00Z', ['2026-11-30T09:30', '2026-12-01T09:30']],
    ['Sundays by both numbers', '0 0 * * 7', 'UTC', '2026-11-28T12:00Z', ['2026-11-29T00:00', '2026-12-06T00:00']],
    ['either day, where both are given', '0 0 1 * 1', 'UTC', '2026-11-28T12:00Z', ['2026-11-30T00:00', '2026-12-01T00:00']],
    ['a leap day', '0 0 29 2 *', 'UTC', '2026-11-28T12:00Z', ['2028-02-29T00:00', '2032-02-29T00:00']],
    ['a nickname', '@weekly', 'UTC', '2026-11-28T12:00Z', ['2026-11-29T00:00', '2026-12-06T00:00']],
    ['an hour that spring leaves out: at its end, once', '30 2 * * *', berlin, '2026-03-28T12:00Z', ['2026-03-29T01:00', '2026-03-30T00:30']],
    ['the same in New York', '30 2 * * *', newYork, '2026-03-07T12:00Z', ['2026-03-08T07:00', '2026-03-09T06:30']],
    ['an hour that autumn has twice: once', '30 2 * * *', berlin, '2026-10-24T12:00Z', ['2026-10-25T00:30', '2026-10-26T01:30']],
    ['the same in New York, too', '30 1 * * *', newYork, '2026-10-31T12:00Z', ['2026-11-01T05:30', '2026-11-02T06:30']],
    ['each hour in spring', '0 * * * *', berlin, '2026-03-29T00:00Z', ['2026-03-29T01:00', '2026-03-29T02:00']],
    ['each hour in autumn, both times', '0 * * * *', berlin, '2026-10-24T23:30Z', ['2026-10-25T00:00', '2026-10-25T01:00', '2026-10-25T02:00']],
    ['each half hour in autumn in New York', '*/30 * * * *', newYork, '2026-11-01T05:00Z', ['2026-11-01T05:30', '2026-11-01T06:00', '2026-11-01T06:30', '2026-11-01T07:00']],
  ]
  for (const [about, cron, zone, from, expected] of cases) it(`know ${about}`, async () => assert.deepEqual(await following(cron, zone, from, expected.length), expected))

  it('count --every from when it was made', async () => {
    const times = await timesOf({when: {everySeconds: 6 * 3600}, createdAt: '2026-11-28T12:00:01.500Z'})
    const made = Date.parse('2026-11-28T12:00:01.500Z')
    const hours = (n: number): number => made + n * 3_600_000
    assert.deepEqual([hours(-100), hours(0), hours(5.9), hours(6), hours(13)].map((at) => times.next(at)), [6, 6, 6, 12, 18].map(hours))
    assert.deepEqual([times.last(hours(0), hours(5)), times.last(hours(0), hours(6)), times.last(hours(6), hours(11)), times.last(hours(0), hours(20))], [undefined, hours(6), undefined, hours(18)])
  })

  const moment = fc.integer({min: Date.parse('2026-01-01T00:00Z'), max: Date.parse('2029-01-01T00:00Z')})
  const schedule = fc.oneof(
    fc.integer({min: 60, max: 500_000}).map((everySeconds) => ({everySeconds})),
    fc.tuple(fc.constantFrom('*/7 * * * *', '30 2 * * *', '0 * * * *', '15 1,2,3 * * *', '0 0 29 2 *', '59 23 31 * *', '0 9-17/2 * * 1-5'), fc.constantFrom(berlin, newYork, 'UTC', 'Asia/Kolkata')).map(([cron, timezone]) => ({cron, timezone})),
  )

  it('go forth, and the last one until a moment is the one that the next ones lead to', () => fc.assert(fc.asyncProperty(schedule, moment, fc.integer({min: 0, max: 3 * 86_400_000}), async (when, after, span) => {
    const times = await timesOf({when, createdAt: '2026-01-01T00:00:00.000Z'})
    const until = after + span
    let expected: number | undefined
    let steps = 0
    for (let at = times.next(after); at !== undefined && at <= until; at = times.next(at)) {
      assert.ok(at > (expected ?? after), 'forth')
      expected = at
      if (++steps > 700) return
    }
    assert.equal(times.last(after, until), expected)
  }), {numRuns: 300})).timeout(20_000)
})

describe('what is typed for a schedule', () => {
  const good: [WhenTexts, object][] = [
    [{cron: ' 0  3 * * * ', timezone: 'europe/berlin'}, {cron: '0 3 * * *', timezone: berlin}],
    [{cron: '@DAILY', timezone: 'UTC'}, {cron: '@DAILY', timezone: 'UTC'}],
    [{every: '90s'}, {everySeconds: 90}],
    [{every: '1h30m'}, {everySeconds: 5400}],
    [{every: '2w'}, {everySeconds: 1_209_600}],
  ]
  for (const [given, expected] of good) it(`takes ${JSON.stringify(given)}`, async () => assert.deepEqual(await parseWhen(given, now), expected))

  it('takes the zone of this computer for its own', async () => {
    assert.deepEqual(await parseWhen({cron: '0 3 * * *'}, now), {cron: '0 3 * * *', timezone: new Intl.DateTimeFormat().resolvedOptions().timeZone})
  })

  const bad: [WhenTexts, string, RegExp?][] = [
    [{}, 'INVALID_SCHEDULE'], [{cron: '0 3 * * *', every: '6h'}, 'INVALID_SCHEDULE'], [{every: '6h', timezone: 'UTC'}, 'INVALID_SCHEDULE'],
    ...['', 'x', '* * * *', '0 0 3 * * *', '60 * * * *', '0 24 * * *', '0 0 32 * *', '*/0 * * * *', '9-5 * * * *', '@reboot', '@never', '2026-12-01T00:00:00', '0 0 31 2 *', '\u001b[2J * * * *'].map((cron): [WhenTexts, string] => [{cron, timezone: 'UTC'}, 'INVALID_CRON']),
    [{cron: '0 3 * * *', timezone: 'Europe/Berln'}, 'INVALID_TIMEZONE', /did you mean "Europe\/Berlin"/], [{cron: '0 3 * * *', timezone: ''}, 'INVALID_TIMEZONE'],
    ...['', '0s', '5', '-1h', '0.5s', '400d', 'h', '6 h', '999999999w'].map((every): [WhenTexts, string] => [{every}, 'INVALID_DURATION']),
  ]
  for (const [given, code, fix] of bad) {
    it(`refuses ${JSON.stringify(given)}`, () => assert.rejects(parseWhen(given, now), (error: Error & {code?: string; exit?: number; fix?: string}) => {
      assert.deepEqual([error.code, error.exit], [code, 64])
      assert.match(error.fix ?? '', fix ?? /./)
      // eslint-disable-next-line no-control-regex -- that there are none is the point
      assert.doesNotMatch(error.message, /[\u0000-\u001f]/)
      return true
    }))
  }

  it('never throws anything else, whatever it is', () => fc.assert(fc.asyncProperty(fc.string(), fc.boolean(), async (given, cron) => {
    await parseWhen(cron ? {cron: given, timezone: 'UTC'} : {every: given}, now).catch((error: Error & {exit?: number}) => assert.equal(error.exit, 64))
  })))

  it('is shown as it can be typed', () => fc.assert(fc.asyncProperty(fc.integer({min: 1, max: 366 * 86_400}), async (everySeconds) => {
    assert.deepEqual(await parseWhen({every: everyText(everySeconds)}, now), {everySeconds})
  })))
})
