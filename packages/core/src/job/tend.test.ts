import assert from 'node:assert/strict'
import {mkdtemp, rm} from 'node:fs/promises'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import type {JobStatus} from '../agent/client.ts'
import type {RuntimeRecord} from '../runtime/record.ts'
import type {RuntimeSession} from '../runtime/session.ts'
import {movedTo} from './movable.ts'
import {Jobs, machineGone} from './jobs.ts'
import type {JobRecord} from './record.ts'
import {JobStore} from './store.ts'
import {hostId} from '../state/self.ts'
import type {Realms} from './realm.ts'
import {JobTender, MoveFailed, type TenderOptions} from './tend.ts'

const job: JobRecord = {
  id: 'a-001', createdAt: '2026-11-28T16:00:00.000Z', runtime: {id: 'colab-1', name: 'first', provider: 'colab'}, releases: true,
  request: {cwd: '/w', command: ['true'], include: [], packages: [], outputs: [], envNames: [], secretNames: [], restarts: {max: 2}},
  spec: {provider: 'colab', settings: {}}, fingerprint: 'f', detached: true, outputDir: '/w', remoteCwd: '/content',
}

describe('a detached job whose machine was taken away', () => {
  let folder: string
  let store: JobStore
  let told: string[]
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'cgpu-tend-'))
    store = new JobStore(folder)
    told = []
    await store.put(job)
  })
  afterEach(() => rm(folder, {recursive: true, force: true}))

  /** A look of its own: what failed before is not waited for. */
  const look = (move: TenderOptions['move'], signal?: AbortSignal, realms?: Realms): Promise<'idle' | 'busy'> => {
    const jobs = new Jobs({store, runtimes: {remembered: async () => [], select: () => assert.fail(), release: () => assert.fail(), keep: () => assert.fail()}, ...(realms ? {realms} : {}), connect: () => assert.fail()})
    jobs.open = async (id) => {
      throw machineGone((await store.get(id)) ?? assert.fail())
    }
    return new JobTender({
      jobs, onEvent: () => undefined, ...(move ? {move} : {}),
      onSettled: ({id}) => void told.push(`${id} is lost`), onFailure: (_, error) => void told.push(String(error)),
    }).look(signal)
  }
  const kept = async (): Promise<JobRecord> => (await store.get(job.id)) ?? assert.fail()

  it('is left to whoever can move it', async () => {
    assert.equal(await look(undefined), 'busy')
    assert.deepEqual([await kept(), told], [job, []])
  })

  it('is moved by whoever takes its lock for that', async () => {
    const moved = await look(async ({id}) => store.alone(id, async () => {
      await store.update(id, (old) => movedTo(old, {...old.runtime, id: 'colab-2'}, {remoteCwd: '/content', envNames: []}))
      return true
    }, {timeoutMs: 100}))
    assert.deepEqual([moved, (await kept()).moves, told], ['busy', 1, []])
  })

  it('counts each move that fails with a machine once, and is lost when none is left', async () => {
    const fails = async (): Promise<boolean> => {
      throw new MoveFailed('no disk', {hadMachine: true})
    }
    assert.equal(await look(fails), 'busy')
    assert.deepEqual([(await kept()).moves, (await kept()).settledAt], [1, undefined])
    assert.equal(await look(fails), 'idle')
    const {moves, failedMoves, seen} = await kept()
    assert.deepEqual([moves, failedMoves, seen?.state, told], [2, 2, 'lost', ['Error: no disk', 'Error: no disk', 'a-001 is lost']])
  })

  it('counts none that got no machine, however often', async () => {
    for (const error of [new MoveFailed('no capacity', {hadMachine: false}), new MoveFailed('not signed in', {hadMachine: false}), new Error('no network')]) {
      assert.equal(await look(async () => { throw error }), 'busy')
    }
    const {moves, settledAt} = await kept()
    assert.deepEqual([moves, settledAt], [undefined, undefined])
  })

  const realms = (here: string | null, of?: string | null): Realms => ({here, of: async () => of, matters: (provider) => provider === 'colab'})
  const emulator = 'http://127.0.0.1:8'
  const places: [string, Partial<JobRecord>, Realms, 'left alone' | 'moved'][] = [
    ['of an emulator, seen from Google', {realm: emulator}, realms(null), 'left alone'],
    ['of an emulator, seen from another', {realm: emulator}, realms('http://127.0.0.1:9'), 'left alone'],
    ['of an emulator, seen from there', {realm: emulator}, realms(emulator), 'moved'],
    ['at Google, seen from an emulator', {}, realms(emulator), 'left alone'],
    ['at Google, seen from there', {}, realms(null), 'moved'],
    ['that is older, of a runtime of an emulator, seen from Google', {}, realms(null, emulator), 'left alone'],
    ['that is older, of a runtime of an emulator, seen from there', {}, realms(emulator, emulator), 'moved'],
    ['on this machine, seen from anywhere', {runtime: {...job.runtime, provider: 'local'}}, realms(emulator), 'moved'],
  ]
  for (const [what, more, where, then] of places) {
    it(`is ${then} when it is one ${what}`, async () => {
      await store.put({...job, ...more})
      let asked = 0
      const state = await look(async () => ++asked > 0, undefined, where)
      assert.deepEqual([state, asked, (await kept()).settledAt], [then === 'moved' ? 'busy' : 'idle', then === 'moved' ? 1 : 0, undefined])
    })
  }

  const dead = {pid: 2 ** 30, host: hostId()}
  const starters: [string, JobRecord['starter'], number][] = [
    ['was killed', dead, 1],
    ['lives', {pid: process.ppid, host: hostId()}, 0],
    ['is on another machine', {...dead, host: 'another'}, 0],
  ]
  for (const [what, starter, times] of starters) {
    it(`is ${times === 0 ? 'left to its own command' : 'looked after'} when the command that followed it ${what}`, async () => {
      await store.put({...job, detached: false, ...(starter ? {starter} : {})})
      let asked = 0
      await look(async () => ++asked > 0)
      assert.equal(asked, times)
    })
  }

  it('is left to another tender of this process that took it', async () => {
    const jobs = new Jobs({store, runtimes: {remembered: async () => [], select: () => assert.fail(), release: () => assert.fail(), keep: () => assert.fail()}, connect: () => assert.fail()})
    assert.equal(await new JobTender({jobs, onEvent: () => undefined, isMine: () => false, move: () => assert.fail()}).look(), 'idle')
    assert.deepEqual(await kept(), job)
  })

  it('counts a move once that fails when it has the next machine', async () => {
    await look(async ({id}) => {
      await store.update(id, (old) => movedTo(old, {...old.runtime, id: 'colab-2'}, {remoteCwd: '/content', envNames: []}))
      throw new MoveFailed('killed', {hadMachine: true})
    })
    assert.deepEqual([(await kept()).moves, (await kept()).settledAt], [1, undefined])
  })

  it('counts none that was stopped', async () => {
    const stop = new AbortController()
    await assert.rejects(look(async () => {
      stop.abort()
      throw new Error('killed')
    }, stop.signal), {name: 'AbortError'})
    assert.equal((await kept()).moves, undefined)
  })

  it('is lost when it cannot go on, unless somebody saw to it meanwhile', async () => {
    await look(async ({id}) => {
      await store.update(id, (old) => movedTo(old, {...old.runtime, id: 'colab-2'}, {remoteCwd: '/content', envNames: []}))
      return false
    })
    assert.deepEqual([(await kept()).settledAt, told], [undefined, []])
    assert.equal(await look(async () => false), 'idle')
    assert.deepEqual([(await kept()).seen?.state, (await kept()).moves, told], ['lost', 1, ['a-001 is lost']])
  })

  it('keeps nobody from looking after the others, however long it takes', async () => {
    const jobs = new Jobs({store, runtimes: {remembered: async () => [], select: () => assert.fail(), release: () => assert.fail(), keep: () => assert.fail()}, connect: () => assert.fail()})
    jobs.open = async (id) => {
      throw machineGone((await store.get(id)) ?? assert.fail())
    }
    const {promise: moved, resolve} = Promise.withResolvers<boolean>()
    const asked: string[] = []
    const looking = new JobTender({jobs, everyMs: 5, onEvent: () => undefined, move: async ({id}) => {
      asked.push(id)
      if (id !== job.id) return true
      if (asked.length === 1) await store.put({...job, id: 'a-002'})
      return moved
    }}).look()
    await until(() => asked.filter((id) => id === 'a-002').length === 2)
    assert.equal(asked.filter((id) => id === job.id).length, 1, 'one try at a time')
    resolve(true)
    assert.equal(await looking, 'busy')
  })

  it('counts as it was seen to end, once', async () => {
    const seen = {at: job.createdAt, state: 'exited', exitStatus: 3, signal: null, startedAt: 1, endedAt: 2, stdoutBytes: 0, stderrBytes: 0}
    const news: unknown[] = []
    const jobs = new Jobs({store, runtimes: {remembered: async () => [], select: () => assert.fail(), release: () => assert.fail(), keep: () => assert.fail()}, connect: () => assert.fail()})
    jobs.open = async (id) => {
      throw machineGone((await store.get(id)) ?? assert.fail())
    }
    for (const more of [{}, {collectedAt: job.createdAt}]) {
      await store.put({...job, ...more, seen})
      await new JobTender({jobs, onEvent: () => undefined, onSettled: (record, {first}, status) => void news.push([record.seen?.exitStatus, first, status])}).look()
      assert.equal((await kept()).seen?.state, 'exited')
    }
    assert.deepEqual(news, [[3, true, undefined], [3, false, undefined]])
  })
})

/** Looks again every few milliseconds, for what tells nobody when it changes. */
async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 2))
}

describe('a job that is over', () => {
  const status: JobStatus = {
    id: job.id, kind: 'job', state: 'exited', exitCode: 0, signal: null, startedAt: 1, endedAt: 2, createdAt: 1, stdoutBytes: 0, stderrBytes: 0, droppedBytes: 0, logBytes: 0, pid: 1,
  }

  it('is left to the process that settles it, and to a later look', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'cgpu-tend-'))
    try {
      const store = new JobStore(folder)
      await store.put({...job, releases: false})
      const runtime = {...job.runtime} as RuntimeRecord // its name and id are all that is asked for
      const session = {close: async () => undefined} as RuntimeSession // nothing of it is to be brought back
      const jobs = new Jobs({store, runtimes: {remembered: async () => [], select: () => assert.fail(), release: () => assert.fail(), keep: () => assert.fail()}, connect: () => assert.fail()})
      jobs.open = async (id) => ({id, runtime, session, status})
      const settled: string[] = []
      const tender = new JobTender({jobs, onEvent: () => undefined, onSettled: ({id}) => void settled.push(id), onFailure: (_, error) => assert.fail(String(error))})
      await store.alone(job.id, async () => {
        assert.equal(await tender.look(), 'busy')
        // a daemon that is to end need not wait either
        await assert.rejects(tender.look(AbortSignal.timeout(20)), {name: 'TimeoutError'})
      }, {timeoutMs: 100})
      assert.deepEqual(settled, [])
      assert.equal(await tender.look(), 'idle')
      assert.deepEqual(settled, [job.id])
    } finally {
      await rm(folder, {recursive: true, force: true})
    }
  })
})
