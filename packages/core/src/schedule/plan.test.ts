import assert from 'node:assert/strict'
import fc from 'fast-check'
import type {ProcessMark} from '../state/self.ts'
import {begin, claim, enable, finish, keptRuns, skip, step} from './plan.ts'
import type {Schedule} from './record.ts'
import {type Times, timesOf} from './when.ts'

const hour = 3_600_000
const made = Date.parse('2026-11-28T12:00:00Z')
const iso = (ms: number): string => new Date(ms).toISOString()
const process: ProcessMark = {pid: 1, host: 'here'}
const schedule = (more: Partial<Schedule> = {}): Schedule => ({
  name: 'nightly', argv: ['config', 'list'], cwd: '/', when: {everySeconds: 3600}, missed: 'skip', enabled: true, createdAt: iso(made), doneUntil: iso(made), runs: [], nextRun: 1, ...more,
})
let hourly: Times
let daily: Times
before(async () => {
  hourly = await timesOf(schedule())
  daily = await timesOf(schedule({when: {everySeconds: 86_400}}))
})
const at = (hours: number): number => made + hours * hour

describe('what is due', () => {
  it('is nothing before its time, which is known', () => assert.deepEqual(step(schedule(), hourly, at(0.5), false), {next: at(1)}))
  it('is a time at its very moment', () => assert.deepEqual(step(schedule(), hourly, at(1), false), {start: at(1), next: at(2)}))
  it('is nothing while it is paused', () => assert.deepEqual(step(schedule({enabled: false}), hourly, at(5), false), {}))

  it('is only the last one of many that passed: no burst', () => {
    assert.deepEqual(step(schedule(), hourly, at(100.4), false), {start: at(100), next: at(101)})
    const claimed = claim(schedule(), hourly, at(100), {now: at(100.4), process})
    assert.deepEqual(claimed?.runs.map(({run, state, dueAt, lastDueAt, reason}) => [run, state, dueAt, lastDueAt, reason]), [
      [2, 'running', iso(at(100)), undefined, undefined], [1, 'skipped', iso(at(1)), iso(at(99)), 'missed'],
    ])
  })

  it('is a time that passed an hour ago, as after a restart', () => assert.equal(step(schedule(), daily, at(25), false).start, at(24)))

  it('is not one that passed longer ago, which is told as missed', () => {
    const {start, next, schedule: kept} = step(schedule(), daily, at(25.1), false)
    assert.deepEqual([start, next, kept?.doneUntil, kept?.runs], [undefined, at(48), iso(at(24)), [{run: 1, state: 'skipped', reason: 'missed', dueAt: iso(at(24))}]])
  })

  it('is it all the same, once, where missed times are to be run', () => {
    const late = schedule({missed: 'run'})
    assert.deepEqual(step(late, daily, at(24 * 9 + 13), false), {start: at(24 * 9), next: at(24 * 10)})
    const claimed = claim(late, daily, at(24 * 9), {now: at(24 * 9 + 13), process})
    assert.equal(claimed && step(claimed, daily, at(24 * 9 + 13), false).start, undefined)
  })

  it('is skipped while the run before goes on; what follows in a row is one entry', () => {
    const first = step(schedule(), hourly, at(1), true).schedule ?? assert.fail()
    const second = step(first, hourly, at(2), true).schedule ?? assert.fail()
    assert.deepEqual(second.runs, [{run: 1, state: 'skipped', reason: 'running', dueAt: iso(at(1)), lastDueAt: iso(at(2))}])
    assert.deepEqual(step(second, hourly, at(3), false), {start: at(3), next: at(4)})
  })

  it('is not run again when the clock goes back a little', () => {
    const ran = claim(schedule(), hourly, at(4), {now: at(4), process}) ?? assert.fail()
    assert.deepEqual(step(ran, hourly, at(2.5), false), {next: at(5)})
  })

  it('counts anew when the clock was years ahead', () => {
    const ran = claim(schedule(), hourly, at(50_000), {now: at(50_000), process}) ?? assert.fail()
    const {schedule: kept, next} = step(ran, hourly, at(4.5), false)
    assert.deepEqual([kept?.doneUntil, next], [iso(at(4.5)), at(5)])
    assert.equal(kept && step(kept, hourly, at(5), false).start, at(5))
  })

  it('is nothing of what passed while it was paused', () => {
    const resumed = enable(schedule({enabled: false, missed: 'run'}), true, at(30))
    assert.deepEqual(step(resumed, daily, at(30), false), {next: at(48)})
    assert.equal(enable(schedule(), true, at(30)).doneUntil, iso(made), 'resuming what runs moves nothing')
  })

  it('is a time that a cron of summer and winter has, once a day', async () => {
    for (const timezone of ['Europe/Berlin', 'America/New_York']) {
      let kept = schedule({when: {cron: '30 2 * * *', timezone}})
      const times = await timesOf(kept)
      let runs = 0
      for (const [from, until] of [['2026-03-01', '2026-04-01'], ['2026-10-15', '2026-11-15']] as const) {
        kept = {...kept, doneUntil: `${from}T12:00:00.000Z`}
        for (let now = Date.parse(kept.doneUntil); now < Date.parse(`${until}T12:00Z`); now += hour / 2) {
          const {start} = step(kept, times, now, false)
          if (start === undefined) continue
          kept = claim(kept, times, start, {now, process}) ?? assert.fail()
          kept = finish(kept, kept.runs[0]?.run ?? 0, {now, exitStatus: 0})
          runs++
        }
      }
      assert.equal(runs, 62, timezone)
    }
  })
})

describe('a run', () => {
  it('is claimed once', () => {
    const claimed = claim(schedule(), hourly, at(1), {now: at(1), process}) ?? assert.fail()
    assert.equal(claim(claimed, hourly, at(1), {now: at(1), process}), undefined)
    assert.equal(claim(schedule({enabled: false}), hourly, at(1), {now: at(1), process}), undefined)
    assert.equal(claim(schedule({createdAt: iso(at(2)), doneUntil: iso(at(2))}), hourly, at(1), {now: at(2), process}), undefined, 'of one that had the name before')
  })

  it('by hand moves no time', () => {
    const begun = begin(schedule(), {now: at(0.5), process})
    assert.deepEqual([begun.doneUntil, begun.runs[0]?.dueAt], [iso(made), null])
  })

  it('whose process is gone is lost when the next begins', () => {
    const begun = begin(begin(schedule(), {now: at(0.5), process}), {now: at(0.6), process})
    assert.deepEqual(begun.runs.map(({run, state}) => [run, state]), [[2, 'running'], [1, 'lost']])
    assert.deepEqual(finish(begun, 2, {now: at(0.7), exitStatus: 3}).runs[0], {run: 2, state: 'exited', dueAt: null, startedAt: iso(at(0.6)), process, endedAt: iso(at(0.7)), exitStatus: 3})
  })

  it('that goes on is kept, and of the others the last', () => {
    let kept = begin(schedule(), {now: at(0), process})
    for (let n = 1; n < 50; n++) kept = skip(kept, hourly, at(n), n % 2 === 0 ? 'running' : 'missed')
    assert.equal(kept.runs.length, keptRuns + 1)
    assert.deepEqual([kept.runs.at(-1)?.run, kept.runs[0]?.run, kept.nextRun], [1, 50, 51])
  })
})

it('whatever the clock does and however many look: no time is run twice, none early, and only one at a time', () => {
  const move = fc.record({
    by: fc.oneof({arbitrary: fc.integer({min: 0, max: 2 * hour}), weight: 6}, {arbitrary: fc.integer({min: -2 * hour, max: 0}), weight: 1}, fc.integer({min: 0, max: 400 * hour})),
    ends: fc.boolean(), claimers: fc.integer({min: 1, max: 3}),
  })
  fc.assert(fc.property(fc.array(move, {maxLength: 60}), fc.constantFrom('run' as const, 'skip' as const), fc.integer({min: 600, max: 200_000}), (moves, missed, everySeconds) => {
    const every = everySeconds * 1000
    const times: Times = {
      next: (after) => made + every * Math.max(1, Math.floor((after - made) / every) + 1),
      last: (after, until) => {
        const last = made + every * Math.floor((until - made) / every)
        return last > made && last > after ? last : undefined
      },
    }
    let kept = schedule({missed, when: {everySeconds}})
    let now = made
    const ran = new Set<number>()
    for (const {by, ends, claimers} of moves) {
      now = Math.max(made, now + by)
      const goesOn = kept.runs.find(({state}) => state === 'running')
      if (ends && goesOn) kept = finish(kept, goesOn.run, {now, exitStatus: 0})
      const planned = step(kept, times, now, kept.runs.some(({state}) => state === 'running'))
      assert.ok(planned.next === undefined || planned.next > Math.min(now, Date.parse(kept.doneUntil)))
      // a clock that was hours ahead: what it ran counts for another time
      if (planned.schedule && planned.schedule.doneUntil < kept.doneUntil) ran.clear()
      if (planned.schedule) kept = planned.schedule
      const {start} = planned
      if (start === undefined) continue
      assert.ok(start <= now, 'early')
      const claims = Array.from({length: claimers}, () => {
        const claimed = claim(kept, times, start, {now, process})
        if (claimed) kept = claimed
        return claimed !== undefined
      })
      assert.deepEqual(claims.filter(Boolean).length, 1)
      assert.ok(!ran.has(start), 'twice')
      ran.add(start)
      assert.equal(kept.runs.filter(({state}) => state === 'running').length, 1)
    }
    const numbers = kept.runs.map(({run}) => run)
    assert.deepEqual(numbers, [...new Set(numbers)].sort((a, b) => b - a))
  }))
})
