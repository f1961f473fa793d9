import assert from 'node:assert/strict'
import {mkdtemp, rm} from 'node:fs/promises'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {movedTo} from './movable.ts'
import {Jobs, machineGone} from './jobs.ts'
import type {JobRecord} from './record.ts'
import {JobStore} from './store.ts'
import {JobTender, type TenderOptions} from './tend.ts'

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
  const look = (move: TenderOptions['move'], signal?: AbortSignal): Promise<'idle' | 'busy'> => {
    const jobs = new Jobs({store, runtimes: {remembered: async () => [], select: () => assert.fail(), release: () => assert.fail()}, connect: () => assert.fail()})
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

  it('counts each move that fails once, and is lost when none is left', async () => {
    const fails = async (): Promise<boolean> => {
      throw new Error('no capacity')
    }
    assert.equal(await look(fails), 'busy')
    assert.deepEqual([(await kept()).moves, (await kept()).settledAt], [1, undefined])
    assert.equal(await look(fails), 'idle')
    const {moves, seen} = await kept()
    assert.deepEqual([moves, seen?.state, told], [2, 'lost', ['Error: no capacity', 'Error: no capacity', 'a-001 is lost']])
  })

  it('counts a move once that fails when it has the next machine', async () => {
    await look(async ({id}) => {
      await store.update(id, (old) => movedTo(old, {...old.runtime, id: 'colab-2'}, {remoteCwd: '/content', envNames: []}))
      throw new Error('killed')
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
