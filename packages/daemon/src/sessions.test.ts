import assert from 'node:assert/strict'
import type {Cgpu, ConnectOptions} from '@cgpu/core/cgpu'
import {errors} from '@cgpu/core/errors'
import type {RuntimeRecord} from '@cgpu/core/runtime/record'
import type {RuntimeSession} from '@cgpu/core/runtime/session'
import {WarmSessions, type WarmSessionsOptions} from './sessions.ts'

const minutes = 60_000
const quiet = (): void => undefined

/** One session of the stand-in, and what the real one would tell the pool. */
interface Opened {
  name: string
  session: RuntimeSession
  /** how often it was closed */
  closed: number
  link: (state: 'reconnecting' | 'connected') => void
  gone: () => void
  keepsAlive: () => boolean | Promise<boolean>
}

/** A pool with a clock of its own, over a cgpu that opens nothing. */
function bench(options: WarmSessionsOptions = {}) {
  const opened: Opened[] = []
  const clock = {ms: 0}
  /** what the next connects wait for, or fail by */
  const ahead: Promise<void>[] = []
  const connect = async (record: RuntimeRecord, {onLink, onGone, keepsAlive}: ConnectOptions = {}): Promise<RuntimeSession> => {
    await ahead.shift()
    const one: Opened = {
      name: record.name, closed: 0,
      // all that the pool uses of it
      session: {recall: () => undefined, close: async () => void one.closed++} as unknown as RuntimeSession,
      link: (state) => onLink?.(state, 'a cable'),
      gone: () => onGone?.(errors.lost('gone', {code: 'RUNTIME_RECLAIMED'})),
      keepsAlive: () => keepsAlive?.() ?? assert.fail('the provider is always told'),
    }
    opened.push(one)
    return one.session
  }
  const cgpu = (settings: Record<string, string | undefined> = {}): Cgpu =>
    // as above
    ({connect, settings: {all: Object.entries(settings).map(([key, value]) => ({key, value}))}}) as unknown as Cgpu
  const pool = new WarmSessions({now: () => clock.ms, ...options})
  const record = (name: string, more: Partial<RuntimeRecord> = {}): RuntimeRecord =>
    ({id: `test-${name}`, name, createdAt: '', endpointUrl: 'http://127.0.0.1/', ...more}) as RuntimeRecord // what the pool reads of it
  return {
    opened, clock, ahead, pool, cgpu, record,
    use: (name: string, onLink = quiet as Parameters<WarmSessions['use']>[2]) => pool.use(cgpu(), record(name), onLink),
  }
}

describe('sessions that stay open between commands', () => {
  it('serve one after the other, and several at once', async () => {
    const {opened, pool, use} = bench()
    const first = await use('a')
    first.done()
    const [second, third] = await Promise.all([use('a'), use('a')])
    assert.deepEqual([opened.length, second.session === first.session, third.session === first.session], [1, true, true])
    assert.deepEqual(pool.status(), [{runtime: 'a', running: 2, idleSeconds: 0}])
    second.done()
    third.done()
    assert.deepEqual([pool.status()[0]?.running, opened[0]?.closed], [0, 0])
  })

  it('are opened once for all who come while one is being opened', async () => {
    const {opened, ahead, use} = bench()
    const gate = Promise.withResolvers<void>()
    ahead.push(gate.promise)
    const all = [1, 2, 3].map(() => use('a'))
    gate.resolve()
    const used = await Promise.all(all)
    assert.equal(opened.length, 1)
    assert.equal(new Set(used.map(({session}) => session)).size, 1)
  })

  it('fail for all who wait, and are tried anew by the next', async () => {
    const {opened, ahead, pool, use} = bench()
    ahead.push(Promise.reject(new Error('no way')))
    const failed = await Promise.allSettled([use('a'), use('a')])
    assert.deepEqual(failed.map(({status}) => status), ['rejected', 'rejected'])
    assert.deepEqual([opened.length, pool.status()], [0, []])
    await use('a')
    assert.equal(opened.length, 1)
  })

  const others: [what: string, settings: Record<string, string>, change: Partial<RuntimeRecord>, same: boolean][] = [
    ['nothing else', {}, {}, true],
    ['a setting of its own work', {kernel: 'r', runtime: 'a', profile: 'p'}, {}, true],
    ['another way to reach it', {'colab-emulator': 'http://127.0.0.1:9'}, {}, false],
    ['another machine of that name', {}, {id: 'other'}, false],
    ['the same machine made anew', {}, {createdAt: '2026'}, false],
    ['another address', {}, {endpointUrl: 'http://127.0.0.2/'}, false],
    ['another account', {}, {account: 'you@example.com'}, false],
    ['another name, which messages tell', {}, {name: 'b'}, false],
  ]
  for (const [what, settings, change, same] of others) {
    it(`are ${same ? 'shared' : 'kept apart'} by: ${what}`, async () => {
      const {opened, pool, cgpu, record} = bench()
      await pool.use(cgpu(), record('a'), quiet)
      await pool.use(cgpu(settings), record('a', change), quiet)
      assert.equal(opened.length, same ? 1 : 2)
    })
  }

  it('are closed when nobody used them for long', async () => {
    const {opened, clock, pool, use} = bench({idleMs: 10 * minutes})
    const [busy, idle] = await Promise.all([use('busy'), use('idle')])
    clock.ms = 1000
    idle.done()
    clock.ms += 10 * minutes - 1
    pool.sweep()
    assert.deepEqual(opened.map(({closed}) => closed), [0, 0])
    clock.ms++
    pool.sweep()
    assert.deepEqual(opened.map(({name, closed}) => [name, closed]), [['busy', 0], ['idle', 1]])
    assert.deepEqual(pool.status().map(({runtime}) => runtime), ['busy'])
    // its time runs from its end
    busy.done()
    pool.sweep()
    assert.equal(opened[0]?.closed, 0)
    assert.notEqual((await use('idle')).session, idle.session)
  })

  it('tell the provider that the machine is used while it is, and for half of that time afterwards', async () => {
    const {opened, clock, use} = bench({idleMs: 10 * minutes})
    const used = await use('a')
    const keepsAlive = opened[0]?.keepsAlive ?? assert.fail()
    clock.ms = 60 * minutes
    assert.equal(keepsAlive(), true)
    used.done()
    clock.ms += 5 * minutes - 1
    assert.equal(keepsAlive(), true)
    clock.ms++
    assert.equal(keepsAlive(), false)
    ;(await use('a')).done()
    assert.equal(keepsAlive(), true)
  })

  it('stay open in limited number, those that were used last', async () => {
    const {opened, clock, use} = bench({keep: 2})
    const used = await Promise.all(['a', 'b', 'c', 'd'].map((name) => use(name)))
    for (const {done} of [used[1], used[0], used[3]].filter((one) => one !== undefined)) {
      clock.ms++
      done()
    }
    // b ended first; c is used, which counts for nothing
    assert.deepEqual(opened.map(({name, closed}) => [name, closed]), [['a', 0], ['b', 1], ['c', 0], ['d', 0]])
  })

  it('whose link is down while nobody uses them are closed at once', async () => {
    const {opened, pool, use} = bench()
    const first = await use('a')
    first.done()
    opened[0]?.link('reconnecting')
    assert.deepEqual([opened[0]?.closed, pool.status()], [1, []])
    assert.notEqual((await use('a')).session, first.session)
  })

  it('whose machine is gone while nobody uses them are closed at once', async () => {
    const {opened, pool, use} = bench()
    ;(await use('a')).done()
    opened[0]?.gone()
    assert.deepEqual([opened[0]?.closed, pool.status()], [1, []])
  })

  for (const trouble of ['link', 'gone'] as const) {
    it(`in trouble (${trouble}) are left to the work that is on them, and new work opens one for all`, async () => {
      const {opened, pool, use} = bench()
      const told: string[] = []
      const old = await use('a', (state) => void told.push(state))
      if (trouble === 'link') opened[0]?.link('reconnecting')
      else opened[0]?.gone()
      const next = await Promise.all([use('a'), use('a')])
      // the one that took its place is not forgotten when the old one goes
      next.push(await use('a'))
      assert.equal(opened.length, 2)
      assert.deepEqual([...new Set(next.map(({session}) => session))], [opened[1]?.session])
      if (trouble === 'link') opened[0]?.link('connected')
      assert.deepEqual(told, trouble === 'link' ? ['reconnecting', 'connected'] : [])
      assert.equal(opened[0]?.closed, 0)
      old.done()
      assert.deepEqual(opened.map(({closed}) => closed), [1, 0])
      assert.equal((await use('a')).session, opened[1]?.session)
      assert.equal(pool.status().length, 1)
    })
  }

  it('that go at the moment they are given out are not', async () => {
    const {opened, use} = bench()
    const first = await use('a')
    first.done()
    const next = use('a')
    opened[0]?.link('reconnecting')
    assert.notEqual((await next).session, first.session)
  })

  it('are all closed at the end, those in use, in trouble and on their way too', async () => {
    const {opened, ahead, pool, use} = bench()
    const [used] = [await use('used'), (await use('idle')).done()]
    await use('troubled')
    opened[2]?.link('reconnecting')
    const gate = Promise.withResolvers<void>()
    ahead.push(gate.promise)
    const opening = use('opening')
    const late = use('idle')
    await pool.close()
    assert.deepEqual(opened.map(({closed}) => closed), [1, 1, 1])
    gate.resolve()
    await assert.rejects(opening, {code: 'SESSION_CLOSED'})
    await assert.rejects(late, {code: 'SESSION_CLOSED'})
    await assert.rejects(use('idle'), {code: 'SESSION_CLOSED'})
    used.done()
    assert.deepEqual(opened.map(({name, closed}) => [name, closed]), [['used', 1], ['idle', 1], ['troubled', 1], ['opening', 1]])
    assert.deepEqual(pool.status(), [])
  })

  it('that cannot be closed hurt nobody', async () => {
    const {opened, pool, use} = bench()
    ;(await use('a')).done()
    const [one] = opened
    assert.ok(one)
    one.session.close = () => Promise.reject(new Error('a socket in a bad mood'))
    one.link('reconnecting')
    await use('a')
    await pool.close()
  })
})
