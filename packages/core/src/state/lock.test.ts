import assert from 'node:assert/strict'
import {mkdtemp, readdir, rm, utimes, writeFile} from 'node:fs/promises'
import {hostname, tmpdir} from 'node:os'
import {join} from 'node:path'
import {withLock} from './lock.ts'

describe('withLock', () => {
  let folder = ''
  let path = ''
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'cgpu-lock-'))
    path = join(folder, 'x.lock')
  })
  afterEach(() => rm(folder, {recursive: true, force: true}))

  const old = async (seconds: number): Promise<void> => {
    const when = new Date(Date.now() - seconds * 1000)
    await utimes(path, when, when)
  }

  it('gives back what the function gives and removes its file', async () => {
    assert.equal(await withLock(path, () => 7), 7)
    await assert.rejects(withLock(path, () => { throw new Error('mine') }), /mine/)
    assert.deepEqual(await readdir(folder), [])
  })

  it('makes the folder of the lock', async () => {
    assert.equal(await withLock(join(folder, 'new', 'x.lock'), () => 1), 1)
  })

  it('lets in one at a time within a process', async () => {
    let inside = 0
    const seen = await Promise.all(Array.from({length: 20}, () => withLock(path, async () => {
      const now = ++inside
      await new Promise(setImmediate)
      inside--
      return now
    })))
    assert.deepEqual(new Set(seen), new Set([1]))
  })

  it('waits in vain only as long as it is told to', async () => {
    await withLock(path, async () => {
      await assert.rejects(withLock(path, () => undefined, {timeoutMs: 30}), {code: 'LOCK_TIMEOUT', exit: 72, retryable: true, fix: new RegExp(`process ${process.pid} `)})
    })
  })

  it('stops waiting when aborted', async () => {
    const controller = new AbortController()
    await withLock(path, async () => {
      const waiting = withLock(path, () => undefined, {signal: controller.signal})
      controller.abort()
      await assert.rejects(waiting, {name: 'AbortError'})
    })
  })

  it('steals from a pid that now belongs to another process', async function () {
    if (process.platform === 'win32') return
    // learn how this host is called in lock files, then claim to be this process at another time
    let own: Record<string, unknown> = {}
    await withLock(path, async () => {
      const {readFile} = await import('node:fs/promises')
      own = JSON.parse(await readFile(path, 'utf8')) as Record<string, unknown> // written by withLock
    })
    await writeFile(path, JSON.stringify({...own, startTime: '1', token: '0123456789abcdef'}))
    assert.equal(await withLock(path, () => 1, {timeoutMs: 5000}), 1)
  })

  it('leaves the lock of another host alone while it is fresh, and takes it when it was long not touched', async () => {
    await writeFile(path, JSON.stringify({pid: 999_999_999, host: `not-${hostname()}`, token: '0123456789abcdef'}))
    await assert.rejects(withLock(path, () => undefined, {timeoutMs: 30}), {code: 'LOCK_TIMEOUT', message: new RegExp(`on not-${hostname()}`)})
    await old(60)
    assert.equal(await withLock(path, () => 1, {timeoutMs: 5000}), 1)
  })

  for (const content of ['', '{"pid":', 'null', '[]', '{"pid":"1","host":"h","token":"t"}', '{"pid":1,"host":"h","token":"../../x"}']) {
    it(`takes a broken lock (${JSON.stringify(content)}) once it is a second old`, async () => {
      await writeFile(path, content)
      await old(5)
      assert.equal(await withLock(path, () => 1, {timeoutMs: 5000}), 1)
      assert.deepEqual(await readdir(folder), [])
    })
  }

  it('says so when the lock cannot be written', async () => {
    await writeFile(join(folder, 'file'), '')
    await assert.rejects(withLock(join(folder, 'file', 'x.lock'), () => 1), {code: 'CANNOT_WRITE', exit: 73})
  })
})
