import assert from 'node:assert/strict'
import {mkdtemp, rm} from 'node:fs/promises'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {awaitMove} from './await-move.ts'
import {movedTo} from './movable.ts'
import type {JobRecord, JobSeen} from './record.ts'
import {JobStore} from './store.ts'

const job: JobRecord = {
  id: 'a-001', createdAt: '2026-11-28T16:00:00.000Z', runtime: {id: 'colab-1', name: 'first', provider: 'colab'}, releases: false,
  request: {cwd: '/w', command: ['true'], include: [], packages: [], outputs: [], envNames: [], secretNames: [], restarts: {max: 2}},
  spec: {provider: 'colab', settings: {}}, fingerprint: 'f', detached: true, outputDir: '/w', remoteCwd: '/content',
}
const seen: JobSeen = {at: '2026-11-28T17:00:00.000Z', state: 'lost', exitStatus: null, signal: null, startedAt: 1, endedAt: null, stdoutBytes: 0, stderrBytes: 0}
const second = {id: 'colab-2', name: 'second', provider: 'colab'}

describe('who follows a job whose machine was taken away', () => {
  let folder: string
  let store: JobStore
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'cgpu-jobs-'))
    store = new JobStore(folder)
    await store.put(job)
  })
  afterEach(() => rm(folder, {recursive: true, force: true}))

  it('says once that it waits, and goes on when the job is on another machine', async () => {
    const told: string[] = []
    const waited = awaitMove(store, job, {patienceMs: 60_000, everyMs: 1, onWait: async () => {
      told.push('waits')
      // a run that moves it itself is not there yet
      const {remoteCwd: _, ...placeless} = movedTo(job, second, {remoteCwd: '', envNames: []})
      await store.put(placeless)
      setImmediate(() => void store.update(job.id, (old) => ({...old, remoteCwd: '/content'})))
    }})
    assert.equal(await waited, 'moved')
    assert.deepEqual(told, ['waits'])
    assert.equal((await store.get(job.id))?.remoteCwd, '/content')
  })

  const ends: [string, Partial<JobRecord>, string][] = [
    ['counts as lost', {seen, settledAt: seen.at}, 'lost'],
    ['ended, and its machine is given back', {seen: {...seen, state: 'exited', exitStatus: 0}, collectedAt: seen.at}, 'over'],
    ['has no restarts left', {moves: 2}, 'lost'],
  ]
  for (const [what, more, end] of ends) {
    it(`does not wait for one that ${what}`, async () => {
      await store.put({...job, ...more})
      assert.equal(await awaitMove(store, job, {patienceMs: 60_000, onWait: () => assert.fail()}), end)
    })
  }

  it('gives up when nobody moves it, but not while somebody does', async () => {
    assert.equal(await awaitMove(store, job, {patienceMs: 5, everyMs: 1}), 'nobody')
    const looks = {count: 0}
    const counted = {get: (id: string) => (looks.count++, store.get(id)), alone: store.alone.bind(store)}
    const {promise: working, resolve: done} = Promise.withResolvers<void>()
    const {promise: held, resolve: hold} = Promise.withResolvers<void>()
    const mover = store.alone(job.id, () => (hold(), working), {timeoutMs: 1_000})
    await held
    const waited = awaitMove(counted, job, {patienceMs: 5, everyMs: 1, onWait: () => undefined})
    while (looks.count < 50) await new Promise((resolve) => setImmediate(resolve))
    await store.put(movedTo(job, second, {remoteCwd: '/content', envNames: []}))
    assert.equal(await waited, 'moved')
    done()
    await mover
  })

  it('stops waiting when it is told to', async () => {
    const stop = new AbortController()
    const why = new Error('late')
    await assert.rejects(awaitMove(store, job, {patienceMs: 60_000, signal: stop.signal, onWait: () => void setImmediate(() => stop.abort(why))}), why)
  })
})
