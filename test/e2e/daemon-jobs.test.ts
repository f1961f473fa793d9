import assert from 'node:assert/strict'
import {existsSync, readFileSync} from 'node:fs'
import {join} from 'node:path'
import type {JobView} from '@cgpu/core/job/view'
import {type ColabBench, colabBench} from '../helpers/colab-bench.ts'
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

describe('a detached job on Colab whose machine is taken away', function () {
  this.timeout(60_000)
  let bench: ColabBench
  before(async () => {
    bench = await colabBench()
    // the daemon is given no token in the environment: somebody signs in, as people do
    bench.home.env['CGPU_DAEMON'] = 'on'
  })
  after(async () => {
    await bench?.cli(['daemon', 'stop'])
    await bench?.remove()
  })

  it('goes on from its last checkpoint on another one, without anybody', async () => {
    const {CGPU_TOKEN: _, ...env} = bench.home.env
    bench.home.env = env
    const {agreeingBrowser} = await import('../helpers/agreeing-browser.ts')
    const signedIn = await bench.cli(['auth', 'login', '--client-config', bench.emulator.clientConfig ?? ''], {env: await agreeingBrowser(bench)})
    assert.equal(signedIn.status, 0, signedIn.stderr)
  })
})
