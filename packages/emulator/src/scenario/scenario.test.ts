import assert from 'node:assert/strict'
import {mkdtemp, rm, writeFile} from 'node:fs/promises'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {createClock} from '../world/clock.ts'
import {builtInScenarios} from './built-in.ts'
import {ReseededDice} from './dice.ts'
import {loadScenario, parseScenario} from './load.ts'
import type {ScenarioEvent} from './schema.ts'
import {Timeline} from './timeline.ts'
import {parseDuration} from './values.ts'

describe('durations', () => {
  for (const [text, ms] of [['250ms', 250], ['90s', 90_000], ['61m', 3_660_000], ['1h30m', 5_400_000], ['1.5h', 5_400_000], ['1d', 86_400_000], ['1500', 1500]] as const) {
    it(`${text} are ${ms} ms`, () => assert.equal(parseDuration(text), ms))
  }
  for (const text of ['', 'soon', '5 m', '-5m', '5x', 'm', '1h and']) it(`"${text}" is none`, () => assert.equal(parseDuration(text), undefined))
})

describe('scenarios', () => {
  let folder: string
  before(async () => void (folder = await mkdtemp(join(tmpdir(), 'cgpu-scenario-'))))
  after(() => rm(folder, {recursive: true, force: true}))
  const file = async (name: string, text: string): Promise<string> => {
    await writeFile(join(folder, name), text)
    return join(folder, name)
  }

  for (const name of Object.keys(builtInScenarios)) {
    it(`${name} is valid and says what it is for`, async () => {
      const {scenario} = await loadScenario(name)
      assert.ok(scenario.about)
    })
  }

  it('are read from YAML, with everything that they may say', async () => {
    const path = await file('all.yaml', `
about: all of it
seed: 7
accounts:
  - {email: a@example.com, tier: pro, balance: 5, eligible: {GPU: [t4]}}
world: {fit: 60, xssi: false, capacity: {T4: 1}}
machines: {ssh: false}
faults:
  - id: slow
    match: {site: control, path: /tun/m/*/keep-alive/, count: 2}
    do: {latency: 2s, status: 429, retryAfter: 5}
assign: [quota, '503', {accelerator: k80}]
timeline:
  - {at: 90s, reclaim: '*'}
  - {after: {calls: 3, path: '/v1/**'}, expire: proxy-tokens}
`)
    const {name, scenario} = await loadScenario(path)
    assert.equal(name, 'all.yaml')
    assert.equal(scenario.faults[0]?.do.latency, 2000)
    assert.equal(scenario.timeline[0]?.at, 90_000)
    assert.deepEqual(scenario.assign[2], {accelerator: 'K80'})
    assert.equal(scenario.accounts?.[0]?.eligible.GPU[0], 'T4')
  })

  it('are read from JSON, and an empty file is a plain one', async () => {
    assert.equal((await loadScenario(await file('one.json', '{"seed": "x"}'))).scenario.seed, 'x')
    assert.deepEqual((await loadScenario(await file('empty.yaml', ''))).scenario.faults, [])
  })

  for (const [text, problem] of [
    ['fautls: []', /fautls: there is no such setting/],
    ['faults: [{do: {status: 99}}]', /faults\[0\]\.do\.status: /],
    ['faults: [{match: {path: 5}, do: {status: 500}}]', /faults\[0\]\.match\.path: expected string/],
    ['timeline: [{at: soon, thaw: true}]', /timeline\[0\]\.at: must be a duration/],
    ['timeline: [{thaw: true}]', /timeline\[0\]: needs one of at and after/],
    ['timeline: [{at: 5s}]', /timeline\[0\]: must say what happens/],
    ['timeline: [{at: 5s, thaw: true, freeze: control}]', /timeline\[0\]: freeze and thaw exclude each other/],
    ['assign: [maybe]', /assign\[0\]/],
    ['accounts: [{email: a@example.com}, {email: a@example.com}]', /accounts: two accounts have the same email/],
    ['world: {fit: -1}', /world\.fit/],
    ['- a list', /\$: expected object/],
    ['a: [', /all|flow|end/i],
  ] as const) {
    it(`${JSON.stringify(text)} is refused with the place`, async () => {
      await assert.rejects(loadScenario(await file('broken.yaml', text)), (error: Error & {code: string; exit: number}) => {
        assert.match(error.message, problem)
        assert.deepEqual([error.code, error.exit], ['SCENARIO_INVALID', 65])
        return true
      })
    })
  }

  it('say which there are when one is not found', async () => {
    await assert.rejects(loadScenario('nowhere'), (error: Error & {code: string; fix: string}) => error.code === 'SCENARIO_NOT_FOUND' && error.fix.includes('capacity-ladder'))
    await assert.rejects(loadScenario('toString'), {code: 'SCENARIO_NOT_FOUND'})
  })
})

describe('the timeline', () => {
  const steps = (timeline: unknown): ReturnType<typeof parseScenario>['timeline'] => parseScenario({timeline}, 'test').timeline
  const call = (path: string) => ({site: 'control' as const, method: 'GET', path, query: new URLSearchParams(), headers: {}})

  it('happens by the clock, in order, from when it began', async () => {
    const clock = createClock()
    await clock.advance(1_000_000)
    const seen: ScenarioEvent[] = []
    const timeline = new Timeline(clock, (event) => void seen.push(event))
    timeline.begin(steps([{at: '1h', reclaim: 'b'}, {at: '90s', reclaim: 'a'}]))
    await clock.advance(89_000)
    assert.deepEqual(seen, [])
    await clock.advance(2000)
    assert.deepEqual(seen, [{reclaim: 'a'}])
    await clock.advance(4_000_000)
    assert.deepEqual(seen, [{reclaim: 'a'}, {reclaim: 'b'}])
    assert.equal(timeline.pending, 0)
  })

  it('happens once after so many of the calls that match', async () => {
    const seen: ScenarioEvent[] = []
    const timeline = new Timeline(createClock(), (event) => void seen.push(event))
    timeline.begin(steps([{after: {calls: 2, path: '/v1/**'}, thaw: true}]))
    for (const path of ['/v1/a', '/tun/m', '/v1/b', '/v1/c', '/v1/d']) timeline.answered(call(path))
    await Promise.resolve()
    await Promise.resolve()
    assert.deepEqual(seen, [{thaw: true}])
  })

  it('forgets what was to come when another begins', async () => {
    const clock = createClock()
    const seen: ScenarioEvent[] = []
    const timeline = new Timeline(clock, (event) => void seen.push(event))
    timeline.begin(steps([{at: '1s', reclaim: 'old'}, {after: {calls: 1}, thaw: true}]))
    timeline.begin(steps([]))
    timeline.answered(call('/'))
    await clock.advance(5000)
    assert.deepEqual(seen, [])
  })
})

describe('ReseededDice', () => {
  it('rolls the same again once begun anew, for who held a row too', () => {
    const dice = new ReseededDice(1)
    const row = dice.row('a')
    const first = [row(), row(), dice.hex('x', 4)]
    dice.begin()
    assert.deepEqual([row(), row(), dice.hex('x', 4)], first)
    dice.begin(2)
    assert.notDeepEqual([row(), row(), dice.hex('x', 4)], first)
  })
})
