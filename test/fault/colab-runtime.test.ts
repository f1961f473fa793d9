import assert from 'node:assert/strict'
import type {RuntimeJson} from '@cgpu/core/schema/types'
import {cgpu, sealedHome, startCgpu} from '../helpers/cli.ts'
import {type ColabBench, colabBench} from '../helpers/colab-bench.ts'
import {assertRefused, until} from '../helpers/workbench.ts'

const counting = 'import time\nfor i in range(600):\n    print(i, flush=True)\n    time.sleep(0.1)\n'

describe('runtimes on Colab that go, and commands that die', function () {
  this.timeout(90_000)
  let bench: ColabBench
  before(async () => {
    bench = await colabBench()
  })
  after(() => bench.remove())
  afterEach(async () => {
    bench.emulator.faults.clear()
    await bench.cli(['stop', '--all', '--yes'])
    await bench.emulator.reset()
    bench.emulator.log.clear()
  })

  /** Runs a command, and takes its machine away once it has printed. */
  async function whileItRuns(args: string[], then: () => Promise<unknown>): Promise<{status: number | null; stdout: string; stderr: string; tookMs: number}> {
    const child = startCgpu(args, {home: bench.home})
    child.stdin?.end()
    const text = {stdout: '', stderr: ''}
    for (const name of ['stdout', 'stderr'] as const) child[name]?.on('data', (chunk: Buffer) => (text[name] += chunk.toString()))
    const ended = new Promise<number | null>((resolve) => child.once('close', resolve))
    await until(() => text.stdout.includes('3\n'), () => `nothing was printed: ${text.stderr}`)
    const began = performance.now()
    await then()
    const status = await ended
    return {status, ...text, tookMs: performance.now() - began}
  }

  it('row 10: a machine that is taken away ends a run with 71, what it printed stays', async () => {
    await bench.file('count.py', counting)
    const {status, stdout, stderr, tookMs} = await whileItRuns(['run', 'count.py'], () => bench.emulator.happen({reclaim: '*'}))
    assert.equal(status, 71, stderr)
    assert.match(stdout, /^0\n1\n2\n3\n/)
    assert.match(stderr, /^[a-z-]+ is gone after [\d.]+ s/m)
    assert.doesNotMatch(stderr, /released/)
    assert.match(stderr, /error: [a-z-]+ was taken away while work ran on it\nfix: /)
    assert.ok(tookMs < 20_000, `${tookMs} ms`)
    assert.deepEqual(await bench.data(['ps']), [])
  })

  it('row 10: and an exec, and its record is forgotten', async () => {
    await bench.data(['runtime', 'create', '--name', 'trainer'])
    const {status, stderr, tookMs} = await whileItRuns(['exec', '-r', 'trainer', counting], () => bench.emulator.happen({reclaim: '*'}))
    assert.equal(status, 71, stderr)
    assert.match(stderr, /error: trainer was taken away while work ran on it/)
    assert.ok(tookMs < 20_000, `${tookMs} ms`)
    assert.deepEqual(await bench.data(['ps']), [])
    assertRefused(await bench.cli(['exec', '-r', 'trainer', '1']), 66)
  })

  it('row 10: and a copy', async () => {
    await bench.data(['runtime', 'create', '--name', 'trainer'])
    await bench.file('big', Buffer.alloc(40 << 20, 'x'))
    const child = startCgpu(['cp', 'big', 'trainer:big'], {home: bench.home})
    child.stdin?.end()
    let said = ''
    child.stderr?.on('data', (chunk: Buffer) => (said += chunk.toString()))
    const ended = new Promise<number | null>((resolve) => child.once('close', resolve))
    await until(() => bench.emulator.log.query({site: 'runtime:*', status: 101}).filter((one) => one.path.includes('channels')).length >= 2, () => said)
    await bench.emulator.happen({reclaim: '*'})
    assert.equal(await ended, 71, said)
    assert.match(said, /error: trainer was taken away while work ran on it/)
  })

  it('row 10: a machine that goes silent and is then taken away', async () => {
    await bench.data(['runtime', 'create', '--name', 'trainer'])
    const {status, stderr, tookMs} = await whileItRuns(['exec', '-r', 'trainer', counting], async () => {
      await bench.emulator.happen({freeze: 'runtime:*'})
      await bench.emulator.happen({reclaim: '*'})
    })
    assert.equal(status, 71, stderr)
    assert.match(stderr, /error: trainer was taken away while work ran on it/)
    assert.ok(tookMs < 60_000, `${tookMs} ms`)
  })

  it('row 9: a command that was not running finds out at once', async () => {
    await bench.data(['runtime', 'create', '--name', 'trainer'])
    await bench.emulator.happen({reclaim: '*'})
    const refused = await bench.cli(['exec', '-r', 'trainer', '1'])
    assertRefused(refused, 66)
    assert.match(refused.stderr, /error: trainer is gone\nfix: cgpu runtime create/)
  })

  it('row 21: commands that want the same runtime at once, in a home that is empty, make one', async () => {
    const home = await sealedHome()
    const {CGPU_COLAB_EMULATOR = '', CGPU_TOKEN = '', CGPU_PYTHON = ''} = bench.home.env
    const env = {CGPU_COLAB_EMULATOR, CGPU_TOKEN, CGPU_PYTHON, CGPU_PROVIDER: 'colab'}
    const made = await Promise.all([1, 2, 3, 4].map(() => cgpu(['runtime', 'ensure', 'trainer', '--json'], {home, env})))
    const created = made.map((one) => {
      assert.equal(one.status, 0, one.stderr)
      return (JSON.parse(one.stdout) as {data: {created: boolean; id: string}}).data
    })
    assert.equal(created.filter((one) => one.created).length, 1)
    assert.deepEqual([...new Set(created.map((one) => one.id))], bench.machines().map((one) => `colab-${one}`))
    assert.equal((await cgpu(['stop', '--all', '--yes'], {home, env})).status, 0)
    assert.deepEqual(bench.machines(), [])
    await home.remove()
  })

  it('row 27: an answer that is lost leaves exactly one machine', async () => {
    await bench.emulator.happen({fault: {match: {site: 'control', method: 'POST', path: '/tun/m/assign', skip: 0, count: 1, probability: 1}, do: {drop: 'after'}}})
    const made = await bench.cli(['runtime', 'create', '--gpu', 't4', '--name', 'trainer'])
    assert.equal(made.status, 0, made.stderr)
    assert.equal(bench.machines().length, 1)
    assert.equal((await bench.data<RuntimeJson[]>(['ps'])).length, 1)
  })

  for (const [when, path] of [['while Colab assigns', 'POST /tun/m/assign'], ['while the machine is looked at', '']] as const) {
    it(`row 27: a create killed ${when} leaves one machine at most, which is listed and reaped`, async () => {
      const child = startCgpu(['run', '--gpu', 't4', '--', 'sleep', '60'], {home: bench.home})
      child.stdin?.end()
      let said = ''
      child.stderr?.on('data', (chunk: Buffer) => (said += chunk.toString()))
      const ended = new Promise((resolve) => child.once('close', resolve))
      if (path) await until(() => bench.calls('/tun/m/assign').some((call) => call.startsWith('POST')), () => said)
      else await until(() => said.includes('checking'), () => said)
      child.kill('SIGKILL')
      await ended
      // what was on its way is decided now
      await until(() => bench.machines().length === 1, () => 'no machine')
      const listed = await bench.data<RuntimeJson[]>(['ps'])
      assert.deepEqual(listed.map((one) => one.id), bench.machines().map((one) => `colab-${one}`))
      const reaped = await bench.data<{provider: string; name?: string}[]>(['runtime', 'reap'])
      assert.deepEqual(reaped.map(({provider, name}) => ({provider, name})), [{provider: 'colab', name: listed[0]?.name}])
      assert.deepEqual(bench.machines(), [])
      assert.deepEqual(await bench.data(['ps']), [])
    })
  }

  it('row 27: and if nobody reaps it, it releases itself', async () => {
    const child = startCgpu(['run', '--lease', '3s', '--', 'sh', '-c', 'echo started; sleep 1'], {home: bench.home})
    child.stdin?.end()
    let said = ''
    child.stdout?.on('data', (chunk: Buffer) => (said += chunk.toString()))
    const ended = new Promise((resolve) => child.once('close', resolve))
    await until(() => said.includes('started'), () => 'it did not start')
    child.kill('SIGKILL')
    await ended
    await until(() => bench.machines().length === 0, () => 'the machine is still there')
    assert.deepEqual(bench.emulator.status().ended.map((one) => one.reason), ['self'])
  })

  it('a release that is refused forgets nothing', async () => {
    await bench.data(['runtime', 'create', '--name', 'trainer'])
    await bench.emulator.happen({fault: {match: {site: 'control', path: '/tun/m/unassign/*', skip: 0, probability: 1}, do: {status: 500}}})
    const failed = await bench.cli(['runtime', 'release', 'trainer'], {timeoutMs: 80_000})
    assert.equal(failed.status, 69, failed.stderr)
    assert.equal((await bench.data<RuntimeJson[]>(['ps'])).length, 1)
    bench.emulator.faults.clear()
    assert.equal((await bench.cli(['runtime', 'release', 'trainer'])).status, 0)
  })

  it('row 25: when Colab cannot be asked, what is known is shown, and marked', async () => {
    await bench.data(['runtime', 'create', '--name', 'trainer'])
    await bench.emulator.happen({fault: {match: {site: 'control', skip: 0, probability: 1}, do: {status: 503}}})
    const listed = await bench.cli(['ps'], {timeoutMs: 80_000})
    assert.equal(listed.status, 0)
    assert.match(listed.stdout, /trainer/)
    assert.match(listed.stderr, /warning: colab could not be asked/)
  })
})
