import assert from 'node:assert/strict'
import {type ChildProcess, spawn} from 'node:child_process'
import {once} from 'node:events'
import {mkdtemp, readdir, rm, stat, writeFile} from 'node:fs/promises'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {processStartTime} from '../state/process.ts'
import {hostId} from '../state/self.ts'
import {type ForwardRecord, ForwardStore, viewOf} from './record.ts'

describe('records of forwarded ports', () => {
  let state: string
  let store: ForwardStore
  let child: ChildProcess
  let record: ForwardRecord
  beforeEach(async () => {
    state = await mkdtemp(join(tmpdir(), 'cgpu-ports-'))
    store = new ForwardStore(state)
    child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000); console.log()'], {stdio: ['ignore', 'pipe', 'ignore']})
    await once(child.stdout ?? assert.fail(), 'data')
    const startTime = await processStartTime(child.pid ?? 0)
    record = {
      id: 'aa11', runtime: 'trainer', process: {pid: child.pid ?? 0, host: hostId(), ...(startTime === undefined ? {} : {startTime})}, createdAt: '2026-11-28T20:00:00.000Z', background: true,
      state: 'open', forwards: [{local: {address: '127.0.0.1', port: 8080}, remote: {host: 'localhost', port: 80}}, {local: {address: 'localhost', port: 1}, remote: {host: '127.0.0.1', port: 2}, reverse: true}],
      open: 1, connections: 2, bytesSent: 3, bytesReceived: 4,
    }
  })
  afterEach(async () => {
    const ended = child.exitCode === null && child.signalCode === null ? once(child, 'exit') : undefined
    child.kill('SIGKILL')
    await ended
    await rm(state, {recursive: true})
  })
  const now = Date.parse('2026-11-28T21:00:00.000Z')

  it('come back as they were, newest first, for nobody else to read', async () => {
    await store.put(record)
    assert.deepEqual(await store.left('trainer', now), [])
    await store.put({...record, id: 'bb22', createdAt: '2026-11-28T20:30:00.000Z'})
    assert.deepEqual(await store.list(now), [{...record, id: 'bb22', createdAt: '2026-11-28T20:30:00.000Z'}, record])
    assert.equal((await stat(join(state, 'ports', 'aa11.json'))).mode & 0o077, 0)
    assert.deepEqual(viewOf(record).forwards, [
      {local: '127.0.0.1:8080', remote: '80', reverse: false}, {local: 'localhost:1', remote: '127.0.0.1:2', reverse: true},
    ])
  })

  it('that are none, or half, are left alone', async () => {
    await store.put(record)
    await writeFile(join(state, 'ports', 'half.json'), '{"version":1,"id"')
    await writeFile(join(state, 'ports', 'odd.json'), '{"forwards":[{}],"id":1}')
    assert.deepEqual(await store.list(now), [record])
    assert.equal((await readdir(join(state, 'ports'))).length, 3)
  })

  it('are ended with their process', async () => {
    await store.put(record)
    const exited = once(child, 'exit')
    assert.equal(await store.end(record), true)
    assert.deepEqual(await exited, [null, 'SIGTERM'])
    assert.deepEqual(await store.list(now), [])
    assert.equal(await store.end(record), false)
  })

  it('of a process that is gone are shown as failed, for a day', async () => {
    await store.put(record)
    const exited = once(child, 'exit')
    child.kill('SIGKILL')
    await exited
    const [left] = await store.list(now)
    assert.deepEqual([left?.state, left?.reason, left?.open], ['failed', 'its process was killed', 0])
    assert.deepEqual([await store.left('trainer', now), await store.left('other', now)], [['aa11'], []])
    assert.deepEqual(await store.list(now + 24 * 3_600_000), [])
  })

  it('whose pid another process has now do not end that one', async () => {
    const stale = {...record, process: {...record.process, startTime: '1'}}
    await store.put(stale)
    assert.equal(await store.end(stale), false)
    assert.equal(child.exitCode ?? child.signalCode, null)
    assert.deepEqual(await store.list(now), [])
  })

  it('of another computer are shown, and not touched', async () => {
    const elsewhere = {...record, process: {...record.process, host: 'elsewhere/boot/ns'}}
    await store.put(elsewhere)
    assert.equal(viewOf((await store.list(now))[0] ?? assert.fail()).state, 'elsewhere')
    assert.equal(await store.end(elsewhere), false)
    assert.equal(child.exitCode ?? child.signalCode, null)
    assert.equal((await store.list(now)).length, 1)
  })
})
