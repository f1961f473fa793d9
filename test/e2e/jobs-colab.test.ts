import assert from 'node:assert/strict'
import {once} from 'node:events'
import {existsSync, readdirSync, readFileSync} from 'node:fs'
import {join} from 'node:path'
import type {JobRecord} from '@cgpu/core/job/record'
import type {JobView} from '@cgpu/core/job/view'
import {startCgpu} from '../helpers/cli.ts'
import {type ColabBench, colabBench} from '../helpers/colab-bench.ts'
import {until} from '../helpers/workbench.ts'

const minutes = 60_000

/** A sum that depends on every step; a checkpoint after each, whole or not at all. */
const train = `import json, os, sys, time
state = json.load(open(sys.argv[2])) if len(sys.argv) > 2 else {'step': 0, 'sum': 1}
os.makedirs('ckpt', exist_ok=True)
print('from', state['step'], flush=True)
while state['step'] < 40:
    state = {'step': state['step'] + 1, 'sum': (state['sum'] * 31 + state['step']) % 1000003}
    name = 'ckpt/%03d.json' % state['step']
    json.dump(state, open(name + '.new', 'w'))
    os.replace(name + '.new', name)
    # the first machine never gets to the end
    while len(sys.argv) <= 2 and state['step'] == 30: time.sleep(0.1)
json.dump(state, open('final.json', 'w'))
print('done', flush=True)
`

function undisturbed(): string {
  let state = {step: 0, sum: 1}
  while (state.step < 40) state = {step: state.step + 1, sum: (state.sum * 31 + state.step) % 1_000_003}
  return JSON.stringify(state)
}

describe('jobs on Colab', function () {
  this.timeout(120_000)
  let bench: ColabBench
  before(async () => {
    bench = await colabBench({machines: {closeExpiredSockets: true}})
  })
  after(() => bench?.remove())

  it('go on over a closed lid of eighty minutes in a run of two hours', async () => {
    const made = await bench.cli(['runtime', 'create', '--name', 'colab'])
    assert.equal(made.status, 0, made.stderr)
    const tick = (name: string) => bench.cli(['exec', '-r', 'colab', '--new-kernel', `open("/content/${name}", "w").close()`])
    await bench.file('long.py', `import os, time
for part in range(3):
    for i in range(1000): print(part, i, flush=True)
    while not os.path.exists('/content/go%d' % part): time.sleep(0.02)
open('result.txt', 'w').write('all of it')
`)
    const child = startCgpu(['run', '-r', 'colab', '-o', 'result.txt', 'long.py'], {home: bench.home})
    let [stdout, stderr] = ['', '']
    child.stdout?.on('data', (chunk: Buffer) => void (stdout += chunk.toString()))
    child.stderr?.on('data', (chunk: Buffer) => void (stderr += chunk.toString()))
    const closed = once(child, 'close')
    await until(() => stdout.includes('0 999\n'), () => stderr)
    await bench.emulator.clock.advance(20 * minutes)
    child.kill('SIGSTOP')
    // the token ends, sockets with it, and the program goes on to its next part
    await bench.emulator.clock.advance(61 * minutes)
    assert.equal((await tick('go0')).status, 0)
    await bench.emulator.clock.advance(19 * minutes)
    child.kill('SIGCONT')
    await until(() => stdout.includes('1 999\n'), () => `${stdout.slice(-200)}\n${stderr}`)
    await bench.emulator.clock.advance(20 * minutes)
    for (const name of ['go1', 'go2']) assert.equal((await tick(name)).status, 0)
    const [status] = await closed
    assert.equal(status, 0, stderr)
    assert.equal(stdout, [0, 1, 2].flatMap((part) => Array.from({length: 1000}, (_, i) => `${part} ${i}\n`)).join(''))
    assert.equal(readFileSync(join(bench.home.cwd, 'result.txt'), 'utf8'), 'all of it')
    assert.doesNotMatch(stderr, /error|missing/)
    assert.equal((await bench.cli(['runtime', 'release', 'colab'])).status, 0)
  })

  it('go on from their last checkpoint on another machine when theirs is taken away', async () => {
    await bench.file('train.py', train)
    const child = startCgpu(['run', '--max-restarts', '2', '--checkpoint', 'ckpt/*.json', '--resume-cmd', 'python train.py --resume {latest}', '-o', 'final.json', 'train.py'], {home: bench.home})
    let [stdout, stderr] = ['', '']
    child.stdout?.on('data', (chunk: Buffer) => void (stdout += chunk.toString()))
    child.stderr?.on('data', (chunk: Buffer) => void (stderr += chunk.toString()))
    const closed = once(child, 'close')
    const copies = (): string[] => {
      const jobs = join(bench.home.dataDir, 'state', 'jobs')
      const folder = existsSync(jobs) ? readdirSync(jobs).find((name) => name.endsWith('.checkpoints')) : undefined
      return folder !== undefined && existsSync(join(jobs, folder, 'ckpt')) ? readdirSync(join(jobs, folder, 'ckpt')) : []
    }
    await until(() => copies().includes('030.json') || child.exitCode !== null, () => stderr, 40_000)
    const [endpoint = ''] = bench.machines()
    assert.ok(await bench.emulator.world.reclaim(endpoint))
    const [status] = await closed
    assert.equal(status, 0, stderr)
    assert.match(stderr, /taken away; the program goes on on another machine/)
    assert.match(stdout, /^from 0\nfrom 30\ndone\n$/)
    assert.deepEqual(JSON.parse(readFileSync(join(bench.home.cwd, 'final.json'), 'utf8')), JSON.parse(undisturbed()))
    // it is one job, of as many moves, for whoever might have had to go on with it
    const [{id} = assert.fail()] = await bench.data<JobView[]>(['job', 'list'])
    const {job} = JSON.parse(readFileSync(join(bench.home.dataDir, 'state', 'jobs', `${id}.json`), 'utf8')) as {job: JobRecord} // our own command wrote it
    assert.equal(job.moves, 1)
    // what was made in its place is released, and the copies are gone
    assert.deepEqual([bench.machines(), copies()], [[], []])
  })

  it('of their own machine keep it alive without their client, and give it back when they are waited for', async () => {
    await bench.file('short.py', 'import os, time\nwhile not os.path.exists("/content/go"): time.sleep(0.05)\nprint("over")\n')
    const started = await bench.data<{id: string; runtime: string}>(['run', '--detach', 'short.py'])
    assert.equal(bench.machines().length, 1)
    // a crash's leftovers are taken back, a job that was left on purpose is not
    assert.deepEqual(await bench.data(['runtime', 'reap']), [])
    const [job] = await bench.data<JobView[]>(['job', 'list'])
    assert.deepEqual([job?.id, job?.state, job?.releases], [started.id, 'running', true])
    assert.equal((await bench.cli(['exec', '-r', started.runtime, '--new-kernel', 'open("/content/go", "w").close()'])).status, 0)
    const waited = await bench.cli(['job', 'wait', started.id])
    assert.equal(waited.status, 0, waited.stderr)
    assert.match(waited.stderr, /released/)
    assert.deepEqual(bench.machines(), [])
  })
})
