import assert from 'node:assert/strict'
import {once} from 'node:events'
import {existsSync, readdirSync, readFileSync} from 'node:fs'
import {join} from 'node:path'
import type {JobView} from '@cgpu/core/job/view'
import {envelope, startCgpu} from '../helpers/cli.ts'
import {gate} from '../helpers/gate.ts'
import {assertRefused, until, type Workbench, workbench} from '../helpers/workbench.ts'

interface Detached {
  id: string
  runtime: string
  releases: boolean
}

interface Entry {
  status: string
  exitStatus?: number
  code?: string
}

describe('a job that has a runtime of its own', function () {
  this.timeout(90_000)
  let bench: Workbench
  before(async () => {
    bench = await workbench()
    await bench.file('gate.py', gate)
  })
  after(() => bench.remove())

  it('keeps it until it is over, and then it is released by whoever waits', async () => {
    const started = await bench.data<Detached>(['run', '--detach', '-o', 'made.txt', 'gate.py', join(bench.home.cwd, 'go'), '0'])
    assert.equal(started.releases, true)
    assert.deepEqual((await bench.data<{name: string; state: string}[]>(['runtime', 'list'])).map(({name, state}) => [name, state]), [[started.runtime, 'ready']])
    // nobody else's run gets it by chance
    const other = await bench.cli(['exec', '1'])
    assertRefused(other, 66)
    await bench.file('go', '')
    const ended = await bench.cli(['job', 'wait', started.id])
    assert.equal(ended.status, 0, ended.stderr)
    assert.match(ended.stderr, new RegExp(`released ${started.runtime}`))
    assert.equal(readFileSync(join(bench.home.cwd, 'made.txt'), 'utf8'), 'made')
    assert.deepEqual(await bench.data(['runtime', 'list']), [])
    const shown = await bench.data<JobView>(['job', 'show', started.id])
    assert.deepEqual([shown.state, shown.exitStatus, shown.checkedAt], ['exited', 0, null])
    const gone = await bench.cli(['logs', started.id])
    assertRefused(gone, 66)
    assert.match(gone.stderr, /cgpu job show/)
  })

  it('is settled by the reaper when nobody waits for it', async () => {
    const {id, runtime} = await bench.data<Detached>(['run', '--detach', '-o', 'made.txt', '--output-dir', 'later', 'gate.py', join(bench.home.cwd, 'go-later'), '0'])
    assert.deepEqual(await bench.data(['runtime', 'reap']), [])
    await bench.file('go-later', '')
    const log = await bench.cli(['logs', '-f', id])
    assert.equal(log.stdout, 'first\nsecond\n')
    const reaped = await bench.data<{name: string; reason: string}[]>(['runtime', 'reap'])
    assert.deepEqual(reaped.map(({name, reason}) => [name, reason]), [[runtime, `its job ${id} is over`]])
    assert.equal(readFileSync(join(bench.home.cwd, 'later', 'made.txt'), 'utf8'), 'made')
    assert.deepEqual(await bench.data(['runtime', 'reap']), [])
    const {status, exitStatus} = await bench.data<Entry>(['history', 'show', id])
    assert.deepEqual([status, exitStatus], ['ok', 0])
  })

  const slowly = async (id: string): Promise<{bytes: () => Promise<number>; stderr: () => string}> => {
    const reader = startCgpu(['logs', id, '-f'], {home: bench.home})
    const ended = once(reader, 'close')
    let stderr = ''
    reader.stderr?.on('data', (chunk: Buffer) => void (stderr += chunk.toString()))
    const readers = join(bench.home.dataDir, 'state', 'jobs', `${id}.readers`)
    await until(() => existsSync(readers) && readdirSync(readers).length === 1, () => 'nobody reads')
    return {
      stderr: () => stderr,
      bytes: async () => {
        let bytes = 0
        reader.stdout?.on('data', (chunk: Buffer) => void (bytes += chunk.length))
        assert.deepEqual(await ended, [0, null], stderr)
        return bytes
      },
    }
  }
  const flood = (go: string): string[] => ['--', 'sh', '-c', `echo begun; until [ -e ${join(bench.home.cwd, go)} ]; do sleep 0.05; done; head -c 20000000 /dev/zero | tr '\\0' x`]

  it('keeps it for somebody who still reads, who then releases it', async () => {
    const {id, runtime} = await bench.data<Detached>(['run', '--detach', ...flood('go-flood')])
    const reader = await slowly(id)
    await bench.file('go-flood', '')
    const waited = await bench.cli(['job', 'wait', id])
    assert.deepEqual([waited.status, waited.stderr], [0, `${runtime} is released when nobody reads the job's log any more\n`])
    assert.equal(await reader.bytes(), 20_000_006)
    assert.match(reader.stderr(), new RegExp(`^released ${runtime} `, 'm'))
    assert.deepEqual(await bench.data(['runtime', 'list']), [])
  })

  it('keeps it for them also when its command was there to the end', async () => {
    const child = startCgpu(['run', ...flood('go-own-flood')], {home: bench.home})
    let stderr = ''
    child.stderr?.on('data', (chunk: Buffer) => void (stderr += chunk.toString()))
    const closed = once(child, 'close')
    await once(child.stdout ?? assert.fail(), 'data')
    child.stdout?.resume()
    const [job = assert.fail()] = await bench.data<JobView[]>(['job', 'list', '--state', 'running'])
    const reader = await slowly(job.id)
    await bench.file('go-own-flood', '')
    assert.deepEqual(await closed, [0, null], stderr)
    assert.match(stderr, new RegExp(`^${job.runtime} is released when nobody reads`, 'm'))
    assert.equal(await reader.bytes(), 20_000_006)
    assert.match(reader.stderr(), new RegExp(`^released ${job.runtime} `, 'm'))
    assert.deepEqual(await bench.data(['runtime', 'list']), [])
  })

  it('is settled by the command that follows it, and by no other', async () => {
    const child = startCgpu(['run', '-o', 'made.txt', '--output-dir', 'own', 'gate.py', join(bench.home.cwd, 'go-own'), '0'], {home: bench.home})
    const closed = once(child, 'close')
    await once(child.stdout ?? assert.fail(), 'data')
    const [job] = await bench.data<JobView[]>(['job', 'list', '--state', 'running'])
    const waiting = bench.cli(['job', 'wait', job?.id ?? ''])
    await bench.file('go-own', '')
    const [[status], waited] = await Promise.all([closed, waiting])
    assert.equal(status, 0)
    assert.doesNotMatch(waited.stderr, /released/)
    assert.equal(readFileSync(join(bench.home.cwd, 'own', 'made.txt'), 'utf8'), 'made')
    assert.deepEqual(await bench.data(['runtime', 'list']), [])
  })

  it('brings outputs before its machine is released, and names what still runs there', async () => {
    assert.equal((await bench.cli(['runtime', 'create', '--name', 'shared'])).status, 0)
    const over = await bench.data<Detached>(['run', '--detach', '-r', 'shared', '-o', 'made.txt', '--output-dir', 'kept', 'gate.py', join(bench.home.cwd, 'go-kept'), '3'])
    const runs = await bench.data<Detached>(['run', '--detach', '-r', 'shared', '--', 'sleep', '600'])
    const followed = startCgpu(['run', '-r', 'shared', '--', 'sh', '-c', 'echo begun; exec sleep 600'], {home: bench.home})
    const follower = once(followed, 'close')
    await once(followed.stdout ?? assert.fail(), 'data')
    const own = (await bench.data<JobView[]>(['job', 'list', '--state', 'running'])).find(({command}) => command?.[0] === 'sh') ?? assert.fail()
    // as it was last seen, it runs
    assert.equal((await bench.data<JobView>(['job', 'show', over.id])).state, 'running')
    await bench.file('go-kept', '')
    assert.match((await bench.cli(['logs', '-f', over.id])).stdout, /second/)
    const unsure = await bench.cli(['stop', '--all'])
    assertRefused(unsure, 64)
    for (const id of [runs.id, own.id]) assert.match(unsure.stderr, new RegExp(`the job ${id} still runs on shared`))
    const released = await bench.cli(['stop', 'shared'])
    assert.equal(released.status, 0, released.stderr)
    assert.match(released.stderr, new RegExp(`warning: the job ${runs.id} still runs on shared, and ends with it[^]*brought back`))
    assert.match(released.stderr, new RegExp(`warning: the job ${own.id} still runs on shared`))
    assert.doesNotMatch(released.stderr, new RegExp(over.id))
    assert.notEqual((await follower)[0], 0)
    assert.equal(readFileSync(join(bench.home.cwd, 'kept', 'made.txt'), 'utf8'), 'made')
    const shown = await bench.data<JobView>(['job', 'show', over.id])
    assert.deepEqual([shown.state, shown.exitStatus, shown.reason, shown.machineGone], ['exited', 3, undefined, true])
    assert.equal((await bench.cli(['job', 'wait', over.id])).status, 3)
    const [ended, cancelled] = await Promise.all([over, runs].map(({id}) => bench.data<Entry>(['history', 'show', id])))
    assert.deepEqual([ended?.status, ended?.exitStatus, ended?.code], ['error', 3, 'PROGRAM_FAILED'])
    assert.deepEqual([cancelled?.status, cancelled?.code], ['interrupted', 'CANCELLED'])
    const facts = (await bench.cli(['job', 'show', runs.id])).stdout
    assert.match(facts, /^state +cancelled \(its machine is gone\)$/m)
  })

  it('brings outputs of one whose command was killed before its machine is released, unless somebody else brings them', async () => {
    assert.equal((await bench.cli(['runtime', 'create', '--name', 'shared'])).status, 0)
    const child = startCgpu(['run', '-r', 'shared', '-o', 'made.txt', '--output-dir', 'orphaned', 'gate.py', join(bench.home.cwd, 'go-orphan'), '0'], {home: bench.home})
    const closed = once(child, 'close')
    await once(child.stdout ?? assert.fail(), 'data')
    child.kill('SIGKILL')
    await closed
    const [job = assert.fail()] = await bench.data<JobView[]>(['job', 'list', '--state', 'running'])
    await bench.file('go-orphan', '')
    await until(async () => (await bench.data<JobView>(['job', 'show', job.id])).state === 'exited', () => 'it goes on')
    const {withLock} = await import('@cgpu/core/state/lock')
    assert.equal((await bench.cli(['runtime', 'create', '--name', 'beside'])).status, 0)
    await withLock(join(bench.home.dataDir, 'state', 'jobs', `${job.id}.busy.lock`), async () => {
      const {error} = envelope(await bench.cli(['stop', 'shared', 'beside', '--json']))
      // the other costs nothing any more, and is told of
      assert.deepEqual((error.details?.['released'] as {name: string}[]).map(({name}) => name), ['beside'])
      assertRefused(await bench.cli(['stop', 'shared']), 72)
    })
    assert.equal((await bench.cli(['stop', 'shared'])).status, 0)
    assert.equal(readFileSync(join(bench.home.cwd, 'orphaned', 'made.txt'), 'utf8'), 'made')
  })

  it('is told of as lost when its machine is gone', async () => {
    const {id, runtime} = await bench.data<Detached>(['run', '--detach', 'gate.py', join(bench.home.cwd, 'never'), '0'])
    assert.equal((await bench.cli(['runtime', 'release', runtime])).status, 0)
    assert.ok(!existsSync(join(bench.home.cwd, 'never')))
    const lost = await bench.cli(['job', 'wait', id])
    assertRefused(lost, 71)
    assert.match(lost.stderr, /job retry/)
    assert.equal((await bench.data<JobView>(['job', 'show', id])).state, 'lost')
    const why = await bench.cli(['why', id])
    assert.match(why.stdout, /was cancelled/)
    assertRefused(await bench.cli(['logs', id]), 66)
    assert.equal((await bench.cli(['job', 'rm', id])).status, 0)
  })
})
