import assert from 'node:assert/strict'
import {mkdtemp, readdir, rm, stat, writeFile} from 'node:fs/promises'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {commandOf, type JobRecord, parseJobRecord} from './record.ts'
import {JobStore} from './store.ts'

const job = (id: string, more: Partial<JobRecord> = {}): JobRecord => ({
  id, createdAt: `2026-11-28T16:00:00.${id.slice(-3)}Z`, runtime: {id: 'local-1', name: 'trainer', provider: 'local'}, releases: false,
  request: {cwd: '/w', script: {path: 'train.py', args: ['--lr', '0.1']}, include: ['data'], packages: ['numpy'], outputs: ['*.csv'], envNames: ['A'], secretNames: ['B'], restarts: {max: 2, checkpoint: 'c/*', resume: 'python x {latest}'}},
  spec: {provider: 'local', settings: {gpu: 't4', 'high-ram': true}}, fingerprint: 'f', detached: true, outputDir: '/w', ...more,
})
const over = {at: '2026-11-28T17:00:00.000Z', state: 'exited', exitStatus: 0, signal: null, startedAt: 1, endedAt: 2, stdoutBytes: 3, stderrBytes: 4}

describe('the remembered jobs', () => {
  let folder: string
  let store: JobStore
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'cgpu-jobs-'))
    store = new JobStore(folder)
  })
  afterEach(() => rm(folder, {recursive: true, force: true}))

  it('come back as they were put, the newest first, readable by their owner only', async () => {
    await store.put(job('a-001'))
    await store.put(job('a-002', {seen: {...over, reason: 'oom'}, settledAt: over.at, remoteCwd: '/content', retryOf: 'a-001'}))
    assert.deepEqual(await store.list(), [job('a-002', {seen: {...over, reason: 'oom'}, settledAt: over.at, remoteCwd: '/content', retryOf: 'a-001'}), job('a-001')])
    assert.equal((await stat(join(folder, 'jobs', 'a-001.json'))).mode & 0o777, 0o600)
  })

  it('change under a lock, and not at all when they are gone or nothing changes', async () => {
    await store.put(job('a-001'))
    await Promise.all(Array.from({length: 20}, () => store.update('a-001', (old) => ({...old, outputDir: `${old.outputDir}x`}))))
    assert.equal((await store.get('a-001'))?.outputDir, `/w${'x'.repeat(20)}`)
    assert.equal((await store.update('a-001', () => undefined))?.id, 'a-001')
    assert.equal(await store.update('a-009', (old) => old), undefined)
    await store.remove('a-001')
    assert.equal(await store.get('a-001'), undefined)
    await store.remove('a-001')
  })

  it('are few: the oldest that are over and settled go', async () => {
    for (let i = 0; i < 560; i++) await store.put(job(`a-${String(i).padStart(3, '0')}`, i === 0 ? {} : {seen: over, settledAt: over.at}))
    const ids = (await readdir(join(folder, 'jobs'))).filter((name) => name.endsWith('.json'))
    assert.ok(ids.length <= 551, `${ids.length} are kept`)
    assert.ok(ids.includes('a-000.json'), 'one that may still run is never forgotten')
    assert.ok(ids.includes('a-559.json'))
  }).timeout(30_000)

  it('survive a broken file: it is set aside and said so', async () => {
    const warnings: string[] = []
    await store.put(job('a-001'))
    await store.put(job('a-002'))
    await writeFile(join(folder, 'jobs', 'a-002.json'), '{"version":1,"job":{"id":"a-0')
    const found = await new JobStore(folder, (message) => warnings.push(message)).list()
    assert.deepEqual(found.map(({id}) => id), ['a-001'])
    assert.match(warnings[0] ?? '', /broken/)
  })

  it('are never looked for outside their folder', async () => {
    await assert.rejects(store.get('../x'), {code: 'INVALID_ID', exit: 64})
    await assert.rejects(store.get(''), {code: 'INVALID_ID'})
  })

  it('have records that are read whatever is in them', () => {
    assert.equal(parseJobRecord(null), undefined)
    assert.equal(parseJobRecord({...job('a-001'), runtime: 'trainer'}), undefined)
    const odd = parseJobRecord({...job('a-001'), seen: {at: 1}, request: {command: ['a', 1, 'b'], restarts: {max: 'x'}}, spec: {provider: 'p', settings: {gpu: 1, tpu: 'v2'}}, newer: true})
    assert.deepEqual(odd && [commandOf(odd.request), odd.request.cwd, odd.request.restarts, odd.spec.settings, odd.seen], [['a', 'b'], '.', undefined, {tpu: 'v2'}, undefined])
  })
})
