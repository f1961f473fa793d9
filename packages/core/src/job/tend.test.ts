import assert from 'node:assert/strict'
import {mkdtemp, rm} from 'node:fs/promises'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
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
})
