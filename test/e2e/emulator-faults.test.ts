// What the emulator does to connections must look to cgpu as on a bad network: nothing is lost, nothing comes twice.
import assert from 'node:assert/strict'
import {existsSync, readdirSync, writeFileSync} from 'node:fs'
import {writeFile} from 'node:fs/promises'
import {join} from 'node:path'
import {builtInScenarios} from '@cgpu/emulator'
import {startCgpu} from '../helpers/cli.ts'
import {type EmulatorHome, startTestEmulator, type TestEmulator} from '../helpers/emulator.ts'
import {until} from '../helpers/workbench.ts'

const count = 60
const counting = `import os, time\nfor i in range(${count}):\n    print(i, flush=True)\n    time.sleep(0.05)\nopen('/content/counted', 'w').close()\nprint('end')\n`
/** The same, which ends when it is told to: whatever is done to it takes, it is done while it works. */
const untilTold = counting.replace('open(', "while not os.path.exists('/content/go'): time.sleep(0.02)\nopen(")
const expected = `${Array.from({length: count}, (_, i) => `${i}\n`).join('')}end\n`

describe('connections of the emulator', function () {
  this.timeout(90_000)
  let google: TestEmulator
  let use: EmulatorHome
  before(async () => {
    google = await startTestEmulator({scenario: {machines: {closeExpiredSockets: true}}})
    use = await google.home()
    await use.data(['runtime', 'create', '--name', 'trainer'])
  })
  after(() => google.stop())

  /** Runs the cell, does something once it printed, and gives what came. */
  async function amid(what: () => unknown, code = counting): Promise<{status: number | null; stdout: string; stderr: string}> {
    const child = startCgpu(['exec', '-r', 'trainer', code], {home: use.home})
    child.stdin?.end()
    const text = {stdout: '', stderr: ''}
    for (const name of ['stdout', 'stderr'] as const) child[name]?.on('data', (chunk: Buffer) => (text[name] += chunk.toString()))
    const ended = new Promise<number | null>((resolve) => child.once('close', resolve))
    await until(() => text.stdout.includes('5\n'), () => `nothing was printed: ${text.stderr}`)
    await what()
    return {status: await ended, ...text}
  }
  /** /content of the machine, seen from here. */
  const content = (): string => {
    const machines = join(google.emulator.folder, 'machines')
    return readdirSync(machines).map((name) => join(machines, name, 'content')).find((path) => existsSync(path)) ?? assert.fail()
  }
  /** On the machine the cell has ended. */
  const counted = (): Promise<void> => until(() => existsSync(join(content(), 'counted')), () => 'the cell goes on')
  const go = (): void => writeFileSync(join(content(), 'go'), '')
  afterEach(async () => {
    google.emulator.frame.thaw()
    google.emulator.faults.clear()
    await use.cli(['exec', '-r', 'trainer', "import os\nfor path in ('/content/counted', '/content/go'): os.path.exists(path) and os.remove(path)"])
  })

  it('frozen until the work was done, then thawed', async () => {
    const {status, stdout, stderr} = await amid(async () => {
      await google.admin.happen({freeze: 'runtime:*'})
      await counted()
      await google.admin.happen({thaw: true})
    })
    assert.deepEqual([status, stdout], [0, expected], stderr)
  })

  it('reset again and again', async () => {
    const {status, stdout, stderr} = await amid(async () => {
      for (let i = 0; i < 3; i++) {
        const before = google.runtimeCalls().at(-1)?.id ?? 0
        await google.admin.happen({disconnect: 'runtime:*'})
        await until(() => google.runtimeCalls(before).some((one) => one.status === 101), () => 'it does not come back')
      }
      go()
    }, untilTold)
    assert.deepEqual([status, stdout], [0, expected], stderr)
  })

  it('ended by their token', async () => {
    const before = google.controlCalls().at(-1)?.id ?? 0
    const {status, stdout, stderr} = await amid(async () => {
      await google.admin.happen({expire: 'proxy-tokens'})
      await until(() => google.controlCalls(before).some((one) => one.path.includes('runtime-proxy-token')), () => 'no new token was asked for')
      go()
    }, untilTold)
    assert.deepEqual([status, stdout], [0, expected], stderr)
  })

  it('slow', async () => {
    await google.admin.addFault({match: {site: 'runtime:*'}, do: {latency: 300, dripBytesPerSecond: 20_000}})
    const {status, stdout, stderr} = await amid(() => undefined)
    assert.deepEqual([status, stdout], [0, expected], stderr)
  })
})

describe('the scenarios that come along', function () {
  this.timeout(90_000)
  let google: TestEmulator
  let use: EmulatorHome
  before(async () => {
    google = await startTestEmulator()
    use = await google.home()
  })
  after(() => google.stop())

  it('capacity-ladder: no A100 and no L4 is free, a T4 is', async () => {
    await google.admin.load('capacity-ladder')
    const {status, stdout, stderr} = await use.cli(['run', '--gpu', 'a100,l4,t4', '--', 'nvidia-smi', '-L'])
    assert.equal(status, 0, stderr)
    assert.match(stdout, /Tesla T4/)
  })

  it('quota: a T4 is taken away after half an hour, and there is no other', async () => {
    await google.admin.load('quota')
    await use.data(['runtime', 'create', '--gpu', 't4', '--name', 'short'])
    await google.admin.advance('40m')
    assert.deepEqual((await google.admin.status()).ended.map((one) => one.reason), ['quota'])
    assert.equal((await use.cli(['runtime', 'create', '--gpu', 't4'])).status, 68)
  })

  it('reclaim: machines go after ten minutes', async () => {
    await google.admin.load('reclaim')
    await use.data(['runtime', 'create', '--name', 'taken'])
    await google.admin.advance('11m')
    assert.deepEqual(await use.data(['ps']), [])
  })

  it('token-expiry: tokens end after five minutes, and work goes on', async () => {
    await google.admin.load('token-expiry')
    await use.data(['runtime', 'create', '--name', 'renewed'])
    await google.admin.advance('6m')
    assert.equal((await use.cli(['exec', '-r', 'renewed', 'print(1)'])).stdout, '1\n')
    assert.ok(google.controlCalls().some((one) => one.path.includes('runtime-proxy-token')))
  })
})

describe('the scenario flaky-network', function () {
  this.timeout(120_000)
  for (const seed of ['one', 'two']) {
    it(`changes nothing for a run, with the seed ${seed}`, async () => {
      const google = await startTestEmulator({seed, scenario: builtInScenarios['flaky-network'] ?? {}})
      try {
        const {home, cli} = await google.home()
        await writeFile(join(home.cwd, 'count.py'), counting)
        const {status, stdout, stderr} = await cli(['run', '--gpu', 't4', 'count.py'])
        assert.deepEqual([status, stdout], [0, expected], stderr)
        assert.ok(google.emulator.faults.list().some((one) => one.struck > 0))
        assert.deepEqual((await google.admin.status()).assignments, [], 'a machine is left')
      } finally {
        await google.stop()
      }
    })
  }
})
