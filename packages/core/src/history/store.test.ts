import assert from 'node:assert/strict'
import {type ChildProcess, fork} from 'node:child_process'
import {once} from 'node:events'
import {appendFile, mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile} from 'node:fs/promises'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {setTimeout as delay} from 'node:timers/promises'
import type {HistoryEntry, HistoryRecord} from './entry.ts'
import {nextRotatedName} from './files.ts'
import {maxLine} from './fit.ts'
import {newestFirst} from './read.ts'
import {searchHistory} from './search.ts'
import {HistoryStore, recordEnd} from './store.ts'

const begin = (id: string, more: Partial<Extract<HistoryRecord, {t: 'begin'}>> = {}): HistoryRecord => ({
  id, at: '2026-11-22T10:00:00.000Z', t: 'begin', kind: 'exec', cwd: '/', command: {code: `print("${id}")`}, envNames: [], spec: {}, version: '0', ...more,
})

describe('the history store', () => {
  let dir = ''
  let store: HistoryStore
  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), 'cgpu-history-'))
    store = new HistoryStore(dir)
  })
  afterEach(() => rm(dir, {recursive: true, force: true}))
  const all = (report = {broken: 0}): HistoryEntry[] => [...newestFirst(store.folder, report)]
  const ids = (): string[] => all().map(({id}) => id)

  it('joins the lines of an execution, the newest first', async () => {
    await store.append(begin('a'))
    await store.append(begin('b', {kind: 'run', command: {argv: ['true']}}))
    await store.append({id: 'b', at: '2026-11-22T10:00:01.000Z', t: 'more', runtime: {id: 'r', name: 'there', provider: 'local'}})
    await recordEnd(store, 'a', {status: 'error', exitStatus: 1, code: 'CODE_FAILED', durationSeconds: 2})
    const [b, a] = all()
    assert.deepEqual([b?.id, b?.status, b?.runtime?.name, b?.endedAt], ['b', 'unknown', 'there', undefined])
    assert.deepEqual([a?.id, a?.status, a?.exitStatus, a?.code, a?.startedAt], ['a', 'error', 1, 'CODE_FAILED', '2026-11-22T10:00:00.000Z'])
  })

  it('believes the first end, and shows none without a beginning', async () => {
    await store.append(begin('a'))
    await recordEnd(store, 'a', {status: 'ok', durationSeconds: 1})
    await recordEnd(store, 'a', {status: 'lost', durationSeconds: 9})
    await recordEnd(store, 'never-begun', {status: 'ok', durationSeconds: 1})
    assert.deepEqual(all().map(({id, status}) => [id, status]), [['a', 'ok']])
  })

  it('believes the real end of a job that was given up or left, also when it is searched', async () => {
    for (const [id, first] of [['moved', {status: 'lost', category: 'runtime', code: 'JOB_LOST'}], ['left', {status: 'interrupted', category: 'runtime', code: 'INTERRUPTED', exitStatus: 130}]] as const) {
      await store.append(begin(id, {kind: 'run', command: {argv: ['sleep', id]}}))
      await recordEnd(store, id, {...first, durationSeconds: 1, tail: {stdout: 'so far'}}, new Date('2026-11-22T10:00:01.000Z'))
      await recordEnd(store, id, {status: 'ok', exitStatus: 0, durationSeconds: 9}, new Date('2026-11-22T10:00:09.000Z'))
      await recordEnd(store, id, {status: 'lost', durationSeconds: 10})
      const [hit] = searchHistory(store.folder, {text: `sleep ${id}`})
      for (const entry of [all()[0], hit?.entry]) assert.deepEqual([entry?.id, entry?.status, entry?.exitStatus, entry?.code, entry?.durationSeconds, entry?.tail], [id, 'ok', 0, undefined, 9, {stdout: 'so far'}])
    }
    // code that was given up has one end
    await store.append(begin('code'))
    await recordEnd(store, 'code', {status: 'lost', durationSeconds: 1})
    await recordEnd(store, 'code', {status: 'ok', durationSeconds: 2})
    assert.equal(all()[0]?.status, 'lost')
  })

  it('says running while its process lives, or the job goes on without it', async () => {
    const {markSelf} = await import('../state/self.ts')
    await store.append(begin('mine', {process: markSelf()}))
    await store.append(begin('dead', {process: {...markSelf(), startTime: '1'}}))
    await store.append(begin('elsewhere', {process: {...markSelf(), host: 'another'}}))
    await store.append(begin('job', {kind: 'run'}))
    await store.append({id: 'job', at: '2026-11-22T10:00:01.000Z', t: 'more', kind: 'job', detached: true})
    const linux = process.platform === 'linux'
    assert.deepEqual(all().map(({id, kind, status}) => [id, kind, status]), [
      ['job', 'job', 'running'], ['elsewhere', 'exec', 'unknown'], ['dead', 'exec', linux ? 'unknown' : 'running'], ['mine', 'exec', 'running'],
    ])
  })

  it('passes over what is torn or foreign, and goes on after it', async () => {
    await store.append(begin('a'))
    await appendFile(store.path, '{"id":"torn","t":"begin","at":"2026-11-22T10:0')
    await store.append(begin('b'))
    await appendFile(store.path, '\n\u0000\u0001 not json\n[]\n{"id":5}\n{"id":"x","t":"begin","at":"never"}\n{"id":"y","t":"begin","at":"2026-11-22T10:00:00Z","kind":"exec","command":7}\n')
    await store.append(begin('c'))
    const report = {broken: 0}
    assert.deepEqual(all(report).map(({id}) => id), ['c', 'b', 'a'])
    assert.equal(report.broken, 6)
  })

  it('keeps fields of a newer cgpu, and drops known ones of a wrong type', async () => {
    await mkdir(store.folder, {recursive: true})
    await writeFile(store.path, `${JSON.stringify({...begin('a'), future: {x: 1}, packages: 'numpy', runtime: {id: 1}})}\n${JSON.stringify({id: 'a', at: '2026-11-22T10:00:01Z', t: 'end', status: 'ok', durationSeconds: 'long', energyJoules: 5})}\n`)
    const [entry] = all()
    assert.ok(entry)
    assert.deepEqual(entry, {...entry, future: {x: 1}, energyJoules: 5, status: 'ok'})
    assert.deepEqual([entry.packages, entry.runtime, entry.durationSeconds], [undefined, undefined, undefined])
  })

  it('is for its owner only', async function () {
    if (process.platform === 'win32') return
    await store.append(begin('a'))
    assert.deepEqual([(await stat(store.folder)).mode & 0o777, (await stat(store.path)).mode & 0o777], [0o700, 0o600])
  })

  it('cuts what is longer than a line may be, and notes what it was', async () => {
    for (const [id, code] of [['plain', 'x'.repeat(200_000)], ['escapes', '\u0001'.repeat(60_000)], ['wide', '🙂'.repeat(40_000)]] as const) {
      await store.append(begin(id, {command: {code}}))
      const [entry] = all()
      assert.equal(entry?.command.cut?.bytes, Buffer.byteLength(code))
      assert.match(entry?.command.code ?? '', /\[cut\]$/)
      assert.ok(entry?.command.code?.isWellFormed())
    }
    await store.append(begin('args', {command: {argv: ['sh', '-c', 'y'.repeat(100_000), 'z']}}))
    await recordEnd(store, 'args', {status: 'ok', durationSeconds: 1, message: 'm'.repeat(90_000), tail: {stdout: '\u0001'.repeat(4096), stderr: '\u0002'.repeat(4096)}})
    const [entry] = all()
    assert.deepEqual([entry?.command.argv?.slice(0, 2), entry?.command.argv?.length, entry?.status], [['sh', '-c'], 3, 'ok'])
    for (const line of (await readFile(store.path, 'utf8')).split('\n')) assert.ok(Buffer.byteLength(line) < maxLine)
  })

  it('rotates, keeps the newest files, and reads across them', async () => {
    store = new HistoryStore(dir, {maxBytes: 2000, keep: 2})
    for (let i = 0; i < 60; i++) await store.append(begin(`e${i}`))
    const names = (await readdir(store.folder)).sort()
    assert.equal(names.length, 3)
    assert.ok(names.every(name => name === 'history.jsonl' || /^history-\d{4}-\d\d-\d\dT\d\d-\d\d-\d\d-\d{3}Z\.jsonl$/.test(name)), names.join())
    const found = ids()
    assert.equal(found[0], 'e59')
    assert.deepEqual(found, Array.from({length: found.length}, (_, i) => `e${59 - i}`))
    assert.ok(found.length > 20 && found.length < 60)
  })

  it('names what it rotates so that names sort by age', () => {
    const noon = Date.parse('2026-11-22T12:00:00.000Z')
    const first = nextRotatedName(undefined, noon)
    assert.equal(first, 'history-2026-11-22T12-00-00-000Z.jsonl')
    assert.equal(nextRotatedName(first, noon), 'history-2026-11-22T12-00-00-001Z.jsonl')
    assert.equal(nextRotatedName(first, noon - 3_600_000), 'history-2026-11-22T12-00-00-001Z.jsonl')
  })

  it('clears without losing what is written meanwhile', async () => {
    for (let i = 0; i < 50; i++) await store.append(begin(`old${i}`))
    const writer = start('new', 200)
    await once(writer, 'message')
    const exit = once(writer, 'exit')
    for (let i = 0; i < 5; i++) await store.rewrite(line => line.includes('"new-'))
    await exit
    const found = all()
    assert.equal(found.filter(({id}) => id.startsWith('new-')).length, 200)
    assert.ok(found.every(({id, status}) => id.startsWith('new-') && status === 'ok'))
  })

  it('is no matter of life and death', async () => {
    await writeFile(join(dir, 'history'), 'a file in its place')
    await assert.rejects(store.append(begin('a')), {code: 'CANNOT_WRITE', exit: 73})
  })

  const start = (name: string, count: number, maxBytes?: number): ChildProcess => fork(join(import.meta.dirname, 'fixtures', 'writer.ts'), [dir, name, String(count), ...(maxBytes ? [String(maxBytes)] : [])], {
    execArgv: ['--conditions=cgpu-source', '--disable-warning=ExperimentalWarning'], stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  })

  it('loses nothing of 4 processes with 250 executions each, also while it rotates', async function () {
    this.timeout(60_000)
    const codes = await Promise.all(['a', 'b', 'c', 'd'].map(async name => (await once(start(name, 250, 100_000), 'exit'))[0] as unknown))
    assert.deepEqual(codes, [0, 0, 0, 0])
    assert.ok((await readdir(store.folder)).length > 3, 'it rotated')
    const found = all()
    assert.equal(found.length, 1000)
    assert.equal(new Set(found.map(({id}) => id)).size, 1000)
    // an end may be in a later file than its beginning
    assert.ok(found.every(({status}) => status === 'ok'))
  })

  it('survives kill -9 of its writers', async function () {
    this.timeout(120_000)
    let last = 0
    for (let round = 0; round < 50; round++) {
      // reading it all again and again would be what takes the time
      if (round % 10 === 0) await store.rewrite(() => false).then(() => (last = 0))
      const child = start(`r${round}`, 100_000, 3_000_000)
      await once(child, 'message')
      await delay((round * 7919) % 23) // the time of the kill is what is tested
      const exit = once(child, 'exit')
      child.kill('SIGKILL')
      await exit
      const report = {broken: 0}
      const found = all(report)
      assert.ok(found.length >= last, `round ${round}: ${found.length} after ${last}`)
      assert.ok(report.broken <= round + 1)
      last = found.length
    }
    assert.ok(last > 50, `only ${last} were written between the kills`)
    await store.append(begin('after'))
    assert.equal(ids()[0], 'after')
  })
})
