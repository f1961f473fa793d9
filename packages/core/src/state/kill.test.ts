import assert from 'node:assert/strict'
import {type ChildProcess, fork} from 'node:child_process'
import {once} from 'node:events'
import {mkdtemp, readdir, readFile, rm, utimes} from 'node:fs/promises'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {setTimeout as delay} from 'node:timers/promises'
import {sweepTemps} from './atomic.ts'
import {JsonFile} from './json-file.ts'
import {withLock} from './lock.ts'

interface Counter {
  count: number
  filler: string
}

/** The same pseudo-random numbers in every run (mulberry32). */
function seeded(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

function start(script: 'writer' | 'holder', ...args: string[]): ChildProcess {
  const path = join(import.meta.dirname, 'fixtures', `${script}.ts`)
  return fork(path, args, {execArgv: ['--conditions=cgpu-source', '--disable-warning=ExperimentalWarning'], stdio: ['ignore', 'ignore', 'inherit', 'ipc']})
}

async function killed(child: ChildProcess): Promise<void> {
  const exit = once(child, 'exit')
  child.kill('SIGKILL')
  await exit
}

describe('state under kill -9', function () {
  this.timeout(120_000)
  let folder = ''
  before(async () => { folder = await mkdtemp(join(tmpdir(), 'cgpu-kill-')) })
  after(() => rm(folder, {recursive: true, force: true}))

  const counter = (name: string, warnings: string[]): JsonFile<Counter> => new JsonFile<Counter>({
    path: join(folder, name),
    version: 1,
    initial: () => ({count: 0, filler: ''}),
    parse: value => (typeof value['count'] === 'number' && typeof value['filler'] === 'string' ? {count: value['count'], filler: value['filler']} : undefined),
    onWarning: message => warnings.push(message),
  })

  it('is never corrupt and never goes back, whenever the writer dies', async () => {
    const random = seeded(20_261_122)
    const warnings: string[] = []
    const file = counter('killed.json', warnings)
    let last = 0
    for (let round = 0; round < 40; round++) {
      const child = start('writer', file.path)
      await once(child, 'message')
      await delay(random() * 60) // the time of the kill is what is tested
      await killed(child)
      const {count, filler} = await file.read()
      assert.ok(count >= last, `round ${round}: ${count} after ${last}`)
      assert.equal(filler.length, count === 0 ? 0 : 200_000)
      last = count
    }
    assert.ok(last > 0, 'nothing was written between the kills')
    assert.deepEqual(warnings, [])
    // what the killed left lying is collected once it is old
    const leftovers = (await readdir(folder)).filter(name => name.endsWith('.cgpu-tmp'))
    const old = new Date(Date.now() - 7_200_000)
    for (const name of leftovers) await utimes(join(folder, name), old, old)
    assert.equal(await sweepTemps(folder), leftovers.length)
  })

  it('loses none of 4 x 100 increments made at once', async () => {
    const warnings: string[] = []
    const file = counter('shared.json', warnings)
    const children = Array.from({length: 4}, () => start('writer', file.path, '100'))
    const codes = await Promise.all(children.map(async child => (await once(child, 'exit'))[0] as unknown))
    assert.deepEqual(codes, [0, 0, 0, 0])
    assert.equal((await file.read()).count, 400)
    assert.deepEqual(warnings, [])
    const backup: unknown = JSON.parse(await readFile(`${file.path}.bak`, 'utf8'))
    assert.deepEqual(backup, {version: 1, count: 399, filler: ''})
  })

  it('gives the lock of a killed holder to the next one at once', async () => {
    const path = join(folder, 'held.lock')
    const child = start('holder', path)
    await once(child, 'message')
    await assert.rejects(withLock(path, () => undefined, {timeoutMs: 50}), {code: 'LOCK_TIMEOUT', exit: 72, message: new RegExp(`process ${child.pid} `)})
    await killed(child)
    const before = performance.now()
    assert.equal(await withLock(path, () => 'mine'), 'mine')
    assert.ok(performance.now() - before < 9000)
  })

  it('lets exactly one of many have a dead lock at a time', async () => {
    const path = join(folder, 'contended.lock')
    for (let round = 0; round < 3; round++) {
      const child = start('holder', path)
      await once(child, 'message')
      await killed(child)
      let inside = 0
      let most = 0
      await Promise.all(Array.from({length: 12}, () => withLock(path, async () => {
        most = Math.max(most, ++inside)
        await delay(1) // long enough for another one to get in, if it could
        inside--
      })))
      assert.equal(most, 1)
    }
    assert.deepEqual((await readdir(folder)).filter(name => name.includes('contended')), [])
  })
})
