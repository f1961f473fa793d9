import assert from 'node:assert/strict'
import {existsSync, readdirSync, readFileSync} from 'node:fs'
import {join} from 'node:path'
import type {JobView} from '@cgpu/core/job/view'
import type {ColabBench} from '../helpers/colab-bench.ts'
import {colabDaemonBed} from '../helpers/daemon-bed.ts'
import {until, type Workbench, workbench} from '../helpers/workbench.ts'

describe('jobs and history with the daemon', function () {
  this.timeout(60_000)
  let bench: Workbench
  before(async () => {
    bench = await workbench()
    bench.home.env['CGPU_DAEMON'] = 'on'
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
    const [entry] = await bench.data<{id: string; status: string; exitStatus: number}[]>(['history', 'list'])
    assert.deepEqual([entry?.id, entry?.status, entry?.exitStatus], [id, 'error', 3])
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
  this.timeout(90_000)
  let bench: ColabBench
  before(async () => {
    bench = await colabDaemonBed()
    bench.home.env['CGPU_DAEMON_TASKS_MS'] = '500'
  })
  after(() => bench?.remove())

  it('goes on from its last checkpoint on another one, without anybody', async () => {
    await bench.file('train.py', train)
    const {id} = await bench.data<{id: string}>(['run', '--detach', '--max-restarts', '2', '--checkpoint', 'ckpt/*.json', '--resume-cmd', 'python train.py --resume {latest}', '-o', 'final.json', 'train.py'])
    const copies = join(bench.home.dataDir, 'state', 'jobs', `${id}.checkpoints`, 'ckpt')
    await until(() => existsSync(copies) && readdirSync(copies).some((name) => name === '030.json'), () => 'no copies')
    assert.ok(await bench.emulator.world.reclaim(bench.machines()[0] ?? ''))
    await until(() => existsSync(join(bench.home.cwd, 'final.json')), () => readFileSync(join(bench.home.dataDir, 'state', 'daemon', 'daemon.log'), 'utf8'))
    let state = {step: 0, sum: 1}
    while (state.step < 40) state = {step: state.step + 1, sum: (state.sum * 31 + state.step) % 1_000_003}
    assert.deepEqual(JSON.parse(readFileSync(join(bench.home.cwd, 'final.json'), 'utf8')), state)
    await until(() => bench.machines().length === 0, () => 'a machine is left')
    const shown = await bench.data<JobView>(['job', 'show', id])
    assert.deepEqual([shown.state, shown.exitStatus], ['exited', 0])
  })
})
