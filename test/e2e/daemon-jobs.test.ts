import assert from 'node:assert/strict'
import {once} from 'node:events'
import {existsSync, readdirSync, readFileSync} from 'node:fs'
import {join} from 'node:path'
import type {JobView} from '@cgpu/core/job/view'
import type {JobRecord} from '@cgpu/core/job/record'
import {startCgpu} from '../helpers/cli.ts'
import type {ColabBench} from '../helpers/colab-bench.ts'
import {colabDaemonBed, patience} from '../helpers/daemon-bed.ts'
import {linkMovePlugin, type MovePlugin} from '../helpers/move-plugin.ts'
import {until, type Workbench, workbench} from '../helpers/workbench.ts'

describe('jobs and history with the daemon', function () {
  this.timeout(90_000)
  let bench: Workbench
  before(async () => {
    bench = await workbench()
    Object.assign(bench.home.env, {CGPU_DAEMON: 'on', CGPU_DAEMON_TASKS_MS: '500', ...patience})
  })
  after(async () => {
    await bench.cli(['daemon', 'stop'])
    await bench.remove()
  })

  it('brings outputs back and releases the machine of a job that nobody waits for', async () => {
    const {id, runtime} = await bench.data<{id: string; runtime: string}>(['run', '--detach', '-o', 'made.txt', '--', 'sh', '-c', 'echo it > made.txt; exit 3'])
    await until(() => existsSync(join(bench.home.cwd, 'made.txt')), () => 'nothing came back')
    assert.equal(readFileSync(join(bench.home.cwd, 'made.txt'), 'utf8'), 'it\n')
    await until(async () => (await bench.data<unknown[]>(['runtime', 'list'])).length === 0, () => `${runtime} is still there`)
    const shown = await bench.data<JobView>(['job', 'show', id])
    assert.deepEqual([shown.state, shown.exitStatus], ['exited', 3])
    // told of when the machine is gone
    let entry: {id: string; status: string; exitStatus: number} | undefined
    await until(async () => ([entry] = await bench.data<{id: string; status: string; exitStatus: number}[]>(['history', 'list']))[0]?.status === 'error', () => JSON.stringify(entry))
    assert.deepEqual([entry?.id, entry?.status, entry?.exitStatus], [id, 'error', 3])
  })

  it('leaves the machine to somebody who still reads the log', async () => {
    const go = join(bench.home.cwd, 'go')
    const job = `until [ -e ${go} ]; do sleep 0.05; done; head -c 20000000 /dev/zero | tr '\\0' x; touch read.txt`
    const {id} = await bench.data<{id: string}>(['run', '--detach', '-o', 'read.txt', '--', 'sh', '-c', job])
    const reader = startCgpu(['logs', id, '-f'], {home: bench.home})
    const ended = once(reader, 'close')
    // a pager that waits for its person: the pipe is full, and nothing goes on
    const readers = join(bench.home.dataDir, 'state', 'jobs', `${id}.readers`)
    await until(() => existsSync(readers) && readdirSync(readers).length === 1, () => 'nobody reads')
    await bench.file('go', '')
    const log = join(bench.home.dataDir, 'state', 'daemon', 'daemon.log')
    await until(() => readFileSync(log, 'utf8').includes(`job ${id} is over`), () => readFileSync(log, 'utf8'))
    assert.ok(existsSync(join(bench.home.cwd, 'read.txt')), 'the outputs need not wait')
    assert.equal((await bench.data<unknown[]>(['runtime', 'list'])).length, 1)
    let bytes = 0
    reader.stdout?.on('data', (chunk: Buffer) => { bytes += chunk.length })
    assert.deepEqual(await ended, [0, null])
    assert.equal(bytes, 20_000_000)
    await until(async () => (await bench.data<unknown[]>(['runtime', 'list'])).length === 0, () => readFileSync(log, 'utf8'))
  })

  it('keeps code that it runs in the history', async () => {
    assert.equal((await bench.cli(['runtime', 'create', '--name', 'there'])).status, 0)
    await until(async () => (await bench.data<{state: string}>(['daemon', 'status'])).state === 'running', () => 'no daemon')
    const ran = await bench.cli(['exec', 'print("by the daemon")\n1 / 0'])
    assert.deepEqual([ran.status, ran.stdout], [1, 'by the daemon\n'], ran.stderr)
    assert.ok((await bench.data<{executions: number}>(['daemon', 'status'])).executions > 0)
    await until(async () => (await bench.data<{status: string}[]>(['history', 'list']))[0]?.status === 'error', () => 'not in the history')
    const entry = await bench.data<{kind: string; message: string; tail: {stdout: string}; cwd: string; runtime: {name: string}}>(['history', 'show'])
    assert.deepEqual([entry.kind, entry.message, entry.tail.stdout, entry.cwd, entry.runtime.name], ['exec', 'ZeroDivisionError: division by zero', 'by the daemon\n', bench.home.cwd, 'there'])
    assert.match((await bench.cli(['why'])).stdout, /ZeroDivisionError/)
  })
})

/** A sum that depends on every step; the first machine never gets to the end. */
const train = `import json, os, sys, time
state = json.load(open(sys.argv[2])) if len(sys.argv) > 2 else {'step': 0, 'sum': 1}
os.makedirs('ckpt', exist_ok=True)
while state['step'] < 40:
    state = {'step': state['step'] + 1, 'sum': (state['sum'] * 31 + state['step']) % 1000003}
    name = 'ckpt/%03d.json' % state['step']
    json.dump(state, open(name + '.new', 'w'))
    os.replace(name + '.new', name)
    while len(sys.argv) <= 2 and state['step'] == 30: time.sleep(0.1)
json.dump(state, open('final.json', 'w'))
`

describe('a detached job on Colab whose machine is taken away', function () {
  this.timeout(120_000)
  let bench: ColabBench
  before(async () => {
    bench = await colabDaemonBed()
    Object.assign(bench.home.env, {CGPU_DAEMON_TASKS_MS: '500', ...patience})
  })
  after(() => bench?.remove())

  it('goes on from its last checkpoint on another one, without anybody', async () => {
    await bench.file('train.py', train)
    const {id} = await bench.data<{id: string}>(['run', '--detach', '--max-restarts', '2', '--checkpoint', 'ckpt/*.json', '--resume-cmd', 'python train.py --resume {latest}', '-o', 'final.json', 'train.py'])
    const copies = join(bench.home.dataDir, 'state', 'jobs', `${id}.checkpoints`, 'ckpt')
    await until(() => existsSync(copies) && readdirSync(copies).some((name) => name === '030.json'), () => 'no copies')
    assert.ok(await bench.emulator.world.reclaim(bench.machines()[0] ?? ''))
    await until(() => existsSync(join(bench.home.cwd, 'final.json')), () => readFileSync(join(bench.home.dataDir, 'state', 'daemon', 'daemon.log'), 'utf8'), 40_000)
    let state = {step: 0, sum: 1}
    while (state.step < 40) state = {step: state.step + 1, sum: (state.sum * 31 + state.step) % 1_000_003}
    assert.deepEqual(JSON.parse(readFileSync(join(bench.home.cwd, 'final.json'), 'utf8')), state)
    await until(() => bench.machines().length === 0, () => 'a machine is left')
    const shown = await bench.data<JobView>(['job', 'show', id])
    assert.deepEqual([shown.state, shown.exitStatus], ['exited', 0])
  })

  it('is moved when there is a machine again, and no refusal counts as a restart', async () => {
    const {id, runtime} = await bench.data<{id: string; runtime: string}>(['run', '--detach', '--max-restarts', '1', '--', 'sh', '-c', 'exec sleep 1000'])
    await bench.emulator.happen({assign: ['412', 'ok']})
    assert.ok(await bench.emulator.world.reclaim(bench.machines()[0] ?? ''))
    const log = (): string => readFileSync(join(bench.home.dataDir, 'state', 'daemon', 'daemon.log'), 'utf8')
    await until(() => log().includes(`${id}: `) && log().includes('tried again later'), log)
    const record = (): JobRecord => (JSON.parse(readFileSync(join(bench.home.dataDir, 'state', 'jobs', `${id}.json`), 'utf8')) as {job: JobRecord}).job
    assert.deepEqual([record().moves, record().settledAt], [undefined, undefined])
    await until(() => record().runtime.name !== runtime, log, 40_000)
    assert.deepEqual([record().moves, record().failedMoves, record().settledAt], [1, undefined, undefined])
    await bench.cli(['stop', '--all', '--yes'])
  })

  describe('and a plugin', () => {
    const forever = ['--', 'sh', '-c', 'echo "$FROM_PLUGIN"; exec sleep 1000']
    let plugin: MovePlugin
    before(async () => {
      plugin = await linkMovePlugin(bench.home)
    })
    afterEach(async () => {
      await bench.cli(['stop', '--all', '--yes'])
      assert.deepEqual(bench.machines(), [])
    })
    const log = (): string => readFileSync(join(bench.home.dataDir, 'state', 'daemon', 'daemon.log'), 'utf8')
    const record = (id: string): JobRecord => (JSON.parse(readFileSync(join(bench.home.dataDir, 'state', 'jobs', `${id}.json`), 'utf8')) as {job: JobRecord}).job
    const start = async (...args: string[]): Promise<{id: string; runtime: string}> => {
      const started = await bench.data<{id: string; runtime: string}>(['run', '--detach', '--max-restarts', '3', ...args, ...forever])
      assert.ok(await bench.emulator.world.reclaim(bench.machines()[0] ?? ''))
      return started
    }
    const isMoved = ({id, runtime}: {id: string; runtime: string}): Promise<void> => until(() => record(id).runtime.name !== runtime, log, 40_000)

    it('asks it for the new machine too', async () => {
      const job = await start()
      await isMoved(job)
      await until(() => log().includes(`the job ${job.id} goes on on ${record(job.id).runtime.name}`), log)
      const own = plugin.told().filter(({pid}) => pid !== plugin.told()[0]?.pid).map(({event}) => event)
      assert.deepEqual(own, ['execution:before', 'runtime:before-create', 'runtime:after-create', 'execution:after'])
      await until(async () => (await bench.cli(['logs', job.id])).stdout === 'plugin\n', () => 'its variable is not there')
      assert.equal(record(job.id).moves, 1)
    })

    it('leaves no machine when the command that moves it is killed, and tries again', async () => {
      const first = await bench.data<{id: string; runtime: string}>(['run', '--detach', '--max-restarts', '3', ...forever])
      const held = plugin.hold('SIGKILL')
      assert.ok(await bench.emulator.world.reclaim(bench.machines()[0] ?? ''))
      await isMoved(first)
      assert.ok(held())
      assert.deepEqual([record(first.id).moves, bench.machines().length], [2, 1], 'the one that failed counts, once')
    })

    it('has the command that moves it end in order when the daemon does', async () => {
      await bench.data(['daemon', 'start'])
      const first = await bench.data<{id: string; runtime: string}>(['run', '--detach', '--max-restarts', '3', ...forever])
      const held = plugin.hold('SIGTERM', 'its parent')
      assert.ok(await bench.emulator.world.reclaim(bench.machines()[0] ?? ''))
      await until(held, log)
      await bench.data(['daemon', 'stop'])
      await until(() => bench.machines().length === 0, log)
      assert.equal(record(first.id).moves, undefined)
      await bench.data(['daemon', 'start'])
      await isMoved(first)
    })

    it('tells of one as lost whose variable it does not know; somebody who does can move it', async () => {
      const {id, runtime} = await start('-e', 'WORD=x')
      await until(() => record(id).settledAt !== undefined, log)
      assert.match(log(), new RegExp(`job ${id}: the job had a variable whose value is kept nowhere: WORD`))
      assert.equal((await bench.data<JobView>(['job', 'show', id])).state, 'lost')
      const moved = await bench.data<{from: string}>(['job', 'move', id, '-e', 'WORD=x'])
      assert.equal(moved.from, runtime)
      assert.equal((await bench.data<JobView>(['job', 'show', id])).state, 'running')
    })
  })
})
