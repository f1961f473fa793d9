import assert from 'node:assert/strict'
import type {DriveFolders, MachineSpec} from '../contract.ts'
import {createClock} from './clock.ts'
import {type WorldConfigInput, worldConfig} from './config.ts'
import {createDice} from './dice.ts'
import type {AssignRequest} from './request.ts'
import {World} from './world.ts'

const minute = 60_000
const hour = 60 * minute

interface Bench { world: World; started: MachineSpec[]; stopped: string[] }

function bench(config: WorldConfigInput = {}, drive?: DriveFolders): Bench {
  const started: MachineSpec[] = []
  const stopped: string[] = []
  const world = new World({
    config: worldConfig.parse(config), clock: createClock(), dice: createDice('test'),
    ...(drive !== undefined && {drive: () => drive}),
    machines: () => ({
      start: (spec) => {
        started.push(spec)
        const url = `http://127.0.0.1:1/${spec.endpoint}`
        return Promise.resolve({endpoint: spec.endpoint, url, portUrl: (port) => Promise.resolve(`${url}/${port}`), stop: () => {
          stopped.push(spec.endpoint)
          return Promise.resolve()
        }})
      },
      close: () => Promise.resolve(),
    }),
  })
  return {world, started, stopped}
}

let notebooks = 0
async function assign(world: World, request: Partial<AssignRequest> = {}, email = 'me@example.com'): Promise<string> {
  const account = world.account(email)
  assert.ok(account)
  const result = await world.assign(account, {nbh: `notebook-${notebooks++}`, highMem: false, ...request})
  return 'assignment' in result ? result.assignment.endpoint : result.refusal
}

describe('world', () => {
  let at: Bench
  beforeEach(() => { at = bench() })
  afterEach(() => at.world.close())
  const start = async (config: WorldConfigInput, drive?: DriveFolders): Promise<void> => {
    await at.world.close()
    at = bench(config, drive)
  }

  it('names machines after what they are', async () => {
    const kinds = [
      {}, {highMem: true}, {accelerator: 't4'}, {variant: 'GPU', accelerator: 'A100', highMem: true}, {accelerator: 'V5E1'},
    ] as const
    const names = []
    for (const kind of kinds) names.push((await assign(at.world, kind)).replace(/-[0-9a-f]{14}$/, ''))
    assert.deepEqual(names, ['m-s', 'm-hm', 'gpu-t4-s', 'gpu-a100-hm', 'tpu-v5e1-hm'])
    assert.deepEqual(at.started.map((one) => [one.variant, one.accelerator, one.image]), [
      ['DEFAULT', 'NONE', '2026.01'], ['DEFAULT', 'NONE', '2026.01'], ['GPU', 'T4', '2026.01'], ['GPU', 'A100', '2026.01'], ['TPU', 'V5E1', '2026.01'],
    ])
  })

  it('gives one machine to a notebook, also when it asks twice at once', async () => {
    const both = await Promise.all([assign(at.world, {nbh: 'same'}), assign(at.world, {nbh: 'same'})])
    assert.equal(both[0], both[1])
    assert.equal(await assign(at.world, {nbh: 'same'}), both[0])
    assert.notEqual(await assign(at.world, {nbh: 'same'}, 'free@example.com'), both[0])
    assert.equal(at.started.length, 2)
  })

  const refused: [string, WorldConfigInput, Partial<AssignRequest>, string, string?][] = [
    ['an accelerator that the account may not use', {}, {accelerator: 'H100'}, 'not-entitled'],
    ['the same, by outcome', {entitlement: 'outcome'}, {accelerator: 'H100'}, 'quota'],
    ['an accelerator of another variant', {}, {variant: 'TPU', accelerator: 'T4'}, 'malformed'],
    ['an unknown image', {}, {version: '1999.01'}, 'malformed'],
    ['a denylisted account', {}, {}, 'denylisted', 'denied@example.com'],
    ['high memory to who does not pay', {}, {highMem: true}, 'not-entitled', 'free@example.com'],
    ['everything when all is used up', {accounts: [{email: 'me@example.com', freeQuota: {remaining: 0}}]}, {}, 'usage'],
    ['more than a plain GPU when only the free quota is left', {accounts: [{email: 'me@example.com', tier: 'pro', eligible: {GPU: ['A100']}}]}, {accelerator: 'A100'}, 'quota'],
    ['what there is no machine for', {capacity: {T4: 0}}, {accelerator: 'T4'}, 'unavailable'],
    ['more machines than the account may have', {accounts: [{email: 'me@example.com', maxAssignments: 0}]}, {}, 'too-many'],
  ]
  for (const [what, config, request, refusal, email] of refused) {
    it(`refuses ${what}`, async () => {
      await start(config)
      assert.equal(await assign(at.world, request, email), refusal)
      assert.deepEqual(at.started, [])
    })
  }

  it('counts machines that are still starting', async () => {
    await start({accounts: [{email: 'me@example.com', maxAssignments: 2}]})
    const results = await Promise.all([1, 2, 3].map(() => assign(at.world)))
    assert.deepEqual(results.filter((one) => one === 'too-many').length, 1)
  })

  it('follows a script, one outcome an assign', async () => {
    at.world.queueAssign(['503', 'usage', 'ok', {accelerator: 'K80'}, {accelerator: 'K80', reported: 'T4'}])
    assert.equal(await assign(at.world, {accelerator: 'T4'}), 'unavailable')
    assert.equal(await assign(at.world, {accelerator: 'T4'}), 'usage')
    assert.match(await assign(at.world, {accelerator: 'T4'}), /^gpu-t4/)
    assert.match(await assign(at.world, {accelerator: 'T4'}), /^gpu-k80/)
    assert.match(await assign(at.world, {accelerator: 'T4'}), /^gpu-t4/)
    assert.deepEqual(at.world.status().assignments.map((one) => [one.accelerator, one.realAccelerator]), [['T4', 'T4'], ['K80', 'K80'], ['T4', 'K80']])
    assert.deepEqual(at.world.status().script, [])
  })

  it('takes idle machines away, and leaves used ones', async () => {
    const idle = await assign(at.world)
    const busy = await assign(at.world)
    for (let n = 0; n < 4; n++) {
      await at.world.advance(30 * minute)
      at.world.used(busy)
    }
    assert.deepEqual(at.world.status().assignments.map((one) => one.endpoint), [busy])
    assert.deepEqual(at.stopped, [idle])
    assert.equal(at.world.status().ended[0]?.reason, 'idle')
  })

  it('takes used machines away at the end of their life', async () => {
    const lives: [string, number][] = [['me@example.com', 24], ['free@example.com', 12]]
    for (const [email, hours] of lives) {
      const endpoint = await assign(at.world, {}, email)
      for (let n = 0; n < hours - 1; n++) {
        await at.world.advance(hour)
        at.world.used(endpoint)
      }
      assert.ok(at.world.fleet.get(endpoint))
      await at.world.advance(hour)
      assert.equal(at.world.fleet.get(endpoint), undefined)
      assert.equal(at.world.status().ended.at(-1)?.reason, 'lifetime')
    }
  })

  it('takes all machines of an account away when it has used up everything', async () => {
    await start({fit: 1e9, accounts: [{email: 'me@example.com', tier: 'pro', balance: 2.4, freeQuota: {remaining: 1.2}}, {email: 'other@example.com', tier: 'pro', balance: 50}]})
    await assign(at.world, {accelerator: 'T4'})
    await assign(at.world, {accelerator: 'T4'})
    const kept = await assign(at.world, {}, 'other@example.com')
    assert.equal(at.world.account('me@example.com')?.rate, 2.4)
    await at.world.advance(1.4 * hour)
    assert.equal(at.world.fleet.list('me@example.com').length, 2)
    await at.world.advance(0.2 * hour)
    assert.deepEqual(at.world.status().assignments.map((one) => one.endpoint), [kept])
    assert.equal(at.world.account('me@example.com')?.rate, 0)
    assert.equal(await assign(at.world), 'usage')
  })

  it('takes machines away at once from an account that is left with nothing', async () => {
    await assign(at.world)
    at.world.setAccount('me@example.com', {balance: 0})
    await at.world.advance(1000)
    assert.equal(at.world.fleet.list().length, 1)
    at.world.setAccount('me@example.com', {freeQuota: {remaining: 0}})
    await at.world.advance(1000)
    assert.deepEqual(at.world.status().ended.map((one) => one.reason), ['quota'])
  })

  it('tells good, expired and unknown proxy tokens apart, by port and machine', async () => {
    const endpoint = await assign(at.world)
    const assignment = at.world.fleet.get(endpoint)
    assert.ok(assignment)
    const first = await at.world.proxy(assignment, 8080)
    await at.world.advance(50 * minute)
    const second = await at.world.proxy(assignment, 8080)
    assert.equal(at.world.checkToken(endpoint, 8080, first.token), 'ok')
    await at.world.advance(20 * minute)
    assert.equal(at.world.checkToken(endpoint, 8080, first.token), 'expired')
    assert.equal(at.world.checkToken(endpoint, 8080, second.token), 'ok')
    assert.equal(at.world.checkToken(endpoint, 9000, second.token), 'unknown')
    assert.equal(at.world.checkToken('m-s-other', 8080, second.token), 'unknown')
    at.world.expireTokens('proxy-tokens')
    assert.equal(at.world.checkToken(endpoint, 8080, second.token), 'expired')
    const port = await at.world.proxy(assignment, 9000)
    assert.match(port.url, /9000$/)
    assert.ok(await at.world.reclaim(endpoint))
    assert.equal(at.world.checkToken(endpoint, 9000, port.token), 'unknown')
    assert.equal(await at.world.reclaim(endpoint), false)
  })

  it('shows Drive to a machine only when its account let it', async () => {
    await start({}, {folder: (email) => Promise.resolve(`/drive/${email}`)})
    const endpoint = await assign(at.world)
    assert.equal(await at.world.driveFolder(endpoint), null)
    at.world.fleet.get(endpoint)?.credentials.add('drive')
    assert.equal(await at.world.driveFolder(endpoint), '/drive/me@example.com')
    assert.equal(await at.world.driveFolder('nothing'), null)
  })

  it('keeps standing tokens through a reset, and nothing else', async () => {
    const token = at.world.standingToken('me@example.com')
    const grant = at.world.grants.grant('me@example.com', 'client', ['openid'])
    const access = at.world.grants.access(grant, ['openid']).token
    await assign(at.world)
    at.world.setAccount('me@example.com', {balance: 1})
    at.world.queueAssign(['503'])
    at.world.expireTokens('standing-tokens')
    assert.equal(at.world.caller(`Bearer ${token}`), null)
    await at.world.reset()
    assert.equal(at.world.caller(`Bearer ${token}`)?.email, 'me@example.com')
    assert.equal(at.world.caller(`Bearer ${access}`), null)
    const {accounts, assignments, script, ended} = at.world.status()
    assert.deepEqual([accounts[0]?.balance, assignments, script, ended], [100, [], [], []])
    assert.equal(at.stopped.length, 1)
    assert.equal(at.world.standingToken('me@example.com'), token)
    assert.throws(() => at.world.standingToken('nobody@example.com'))
  })

  it('gives the same names and tokens for the same seed', async () => {
    const other = bench()
    assert.equal(await assign(at.world), await assign(other.world))
    assert.equal(at.world.standingToken('free@example.com'), other.world.standingToken('free@example.com'))
    await other.world.close()
  })

  it('takes another configuration with a reset, without accounts that are gone', async () => {
    const token = at.world.standingToken('free@example.com')
    await at.world.reset(worldConfig.parse({accounts: [{email: 'new@example.com'}]}))
    assert.equal(at.world.caller(`Bearer ${token}`), null)
    assert.equal(at.world.setAccount('free@example.com', {balance: 1}), false)
    assert.deepEqual(at.world.status().accounts.map((one) => [one.email, one.name, one.tier]), [['new@example.com', 'new', 'free']])
  })

  it('ends a machine that is asked to end while it starts', async () => {
    const starting = assign(at.world)
    await at.world.reset()
    assert.match(await starting, /^m-s/)
    assert.deepEqual(at.world.status().assignments, [])
    assert.equal(at.stopped.length, 1)
  })
})

describe('configuration of the world', () => {
  const broken: [object, RegExp][] = [
    [{acounts: []}, /acounts/],
    [{accounts: []}, /accounts/],
    [{accounts: [{email: 'a@example.com'}, {email: 'a@example.com'}]}, /same email/],
    [{accounts: [{email: 'nobody'}]}, /email/],
    [{accounts: [{email: 'a@example.com', balance: -1}]}, /balance/],
    [{fit: 0}, /fit/],
  ]
  for (const [config, problem] of broken) {
    it(`names what is wrong with ${JSON.stringify(config)}`, () => {
      assert.match(JSON.stringify(worldConfig.safeParse(config).error?.issues), problem)
    })
  }
})
