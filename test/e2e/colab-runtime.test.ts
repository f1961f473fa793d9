import assert from 'node:assert/strict'
import {once} from 'node:events'
import {existsSync, readdirSync, readFileSync, writeFileSync} from 'node:fs'
import {join} from 'node:path'
import type {RuntimeJson, UsageJson} from '@cgpu/core/schema/types'
import {browserScript} from '../helpers/browser.ts'
import {repoRoot, startCgpu} from '../helpers/cli.ts'
import {type ColabBench, colabBench} from '../helpers/colab-bench.ts'
import {untilThere} from '../helpers/gate.ts'
import {Watched} from '../helpers/watched.ts'
import {assertRefused, until} from '../helpers/workbench.ts'

describe('runtimes on Colab', function () {
  this.timeout(120_000)
  let bench: ColabBench
  before(async () => {
    bench = await colabBench()
    await bench.file('examples/train.py', readFileSync(join(repoRoot, 'examples', 'train.py'), 'utf8'))
  })
  after(() => bench.remove())
  afterEach(async () => {
    await bench.cli(['stop', '--all', '--yes'])
    await bench.emulator.reset()
    bench.emulator.log.clear()
  })

  it('are made for a run, checked, used and released, and nothing is left', async () => {
    const ran = await bench.cli(['run', '--gpu', 't4', 'examples/train.py', '--epochs', '2'])
    assert.equal(ran.status, 0, ran.stderr)
    assert.match(ran.stdout, /epoch {3}1\/2/)
    assert.match(ran.stderr, /checking the accelerator\n[^]*released [a-z-]+ after [\d.]+ s, less than 0\.01 compute units/)
    assert.deepEqual(bench.machines(), [])
  })

  it('tell programs what a run cost', async () => {
    const ran = await bench.cli(['run', '--gpu', 'a100', '--output', 'ndjson', '--', 'echo', 'hello'])
    const events = ran.stdout.trim().split('\n').map((line) => JSON.parse(line) as {type: string; amount?: number; unit?: string})
    const cost = events.at(-2)
    assert.equal(ran.status, 0, `${ran.stdout}\n${ran.stderr}`)
    assert.deepEqual([events.at(-1)?.type, cost?.type, cost?.unit], ['finished', 'cost', 'compute units'], `${ran.stdout}\n${ran.stderr}`)
    assert.ok((cost?.amount ?? 0) > 0)
  })

  it('tell programs that they are waited for while they are', async () => {
    await bench.emulator.happen({assign: ['503', '503']})
    const child = startCgpu(['run', '--gpu', 'a100', '--wait', '10m', '--output', 'ndjson', '--', 'true'], {home: bench.home})
    child.stdin?.end()
    let said = ''
    child.stdout?.on('data', (chunk: Buffer) => (said += chunk.toString()))
    const ended = once(child, 'close')
    await until(() => said.includes('waiting'), () => said)
    child.kill('SIGINT')
    await ended
    const events = said.trim().split('\n').map((line) => JSON.parse(line) as {type: string; id: string; seq: number})
    assert.deepEqual(events.map((one) => one.seq), events.map((_, index) => index))
    assert.deepEqual([events[0]?.type, events[0]?.id, events.at(-1)?.type], ['progress', '', 'finished'])
  })

  it('are shown with what is known of them', async () => {
    const made = await bench.data<RuntimeJson>(['runtime', 'create', '--name', 'trainer', '--gpu', 'a100'])
    assert.equal(made.accelerator.name, 'NVIDIA A100-SXM4-40GB')
    assert.deepEqual([made.account, made.idleTimeoutSeconds, made.lease?.seconds, made.origin], ['google:me@example.com', 5400, 7200, 'created'])
    assert.ok(made.verifiedAt)
    assert.ok((made.hourlyRate ?? 0) > 1)
    const shown = await bench.cli(['runtime', 'show'])
    for (const part of [/as seen on the machine/, /releases itself +after 2 h without use/, /taken away +after 1 h 30 m/, /compute units an hour/]) assert.match(shown.stdout, part)
    const listed = await bench.cli(['ps'])
    assert.match(listed.stdout, /account +accelerator +state +units\/h +created +ends unused/)
    const usage = await bench.data<UsageJson>(['usage'])
    assert.deepEqual([usage.account, usage.tier, usage.runtimes, usage.hourlyRate], ['google:me@example.com', 'pro', 1, made.hourlyRate])
    assert.match((await bench.cli(['usage'])).stdout, /balance +[\d.]+ compute units\n[^]*lasts +\d+/)
    const url = (await bench.cli(['runtime', 'url', 'trainer'])).stdout
    assert.match(url, /^http:\/\/.*dbu=/)
    const browser = await browserScript(bench.home.path)
    const opened = await bench.cli(['runtime', 'url', 'trainer', '--open'], {env: browser.env})
    assert.deepEqual([opened.stdout, await browser.url()], [url, url.trim()])
    const ended = await bench.cli(['runtime', 'release', 'trainer'])
    assert.match(ended.stdout, /^released trainer after .* compute units\n$/)
  })

  it('come from the first accelerator that is free', async () => {
    await bench.emulator.happen({assign: ['503', '503', 'ok']})
    const made = await bench.cli(['runtime', 'create', '--gpu', 'a100,l4,t4', '--name', 'trainer'])
    assert.equal(made.stdout, 'trainer  colab  Tesla T4  ready\n', made.stderr)
    // and the one that is there serves the next run
    await bench.file('own.py', '# /// cgpu\n# gpu = "a100, t4"\n# ///\nimport subprocess\nprint(subprocess.run(["nvidia-smi", "-L"], capture_output=True, text=True).stdout)\n')
    const ran = await bench.cli(['run', 'own.py'])
    assert.match(ran.stdout, /Tesla T4/, ran.stderr)
    assert.equal(bench.machines().length, 1)
  })

  it('are waited for, and what the account may not use is asked for once', async () => {
    await bench.emulator.happen({assign: ['503', 'quota', 'ok']})
    const made = await bench.cli(['runtime', 'create', '--gpu', 'a100,l4', '--wait', '1m', '--name', 'trainer'])
    assert.equal(made.status, 0, made.stderr)
    assert.match(made.stderr, /no a100 is free; waiting, (1 m|\d+ s) at most\nasking Colab for A100\n/)
    assert.match(made.stderr, /warning: l4: /)
    assert.equal(made.stderr.match(/asking Colab for L4/g)?.length, 1)
  })

  it('are refused in one error when none can be had', async () => {
    await bench.emulator.happen({assign: ['503', 'quota', '503']})
    const refused = await bench.cli(['runtime', 'create', '--gpu', 'a100,l4,t4', '-q'])
    assertRefused(refused, 68)
    assert.match(refused.stderr, /^error: no a100, l4, or t4 could be had: a100: .*; l4: .*; t4: .*\nfix: wait for one: --wait 30m/)
    assert.deepEqual(bench.machines(), [])
  })

  for (const [outcome, code] of [['denylisted', 'ACCOUNT_DENYLISTED'], ['412', 'TOO_MANY_RUNTIMES']] as const) {
    it(`stop at ${code}`, async () => {
      await bench.emulator.happen({assign: [outcome, 'ok']})
      const refused = await bench.cli(['runtime', 'create', '--gpu', 'a100,l4', '--wait', '1m', '--json'])
      assert.equal(refused.status, 68)
      assert.equal((JSON.parse(refused.stdout) as {error: {code: string}}).error.code, code)
      assert.deepEqual(bench.machines(), [])
    })
  }

  it('are named where the account has as many as it may have', async () => {
    await bench.data(['runtime', 'create', '--name', 'trainer', '--gpu', 't4'])
    await bench.emulator.happen({assign: ['412']})
    const refused = await bench.cli(['runtime', 'create', '-q'])
    assertRefused(refused, 68)
    assert.match(refused.stderr, /as many runtimes as it may have: trainer \(T4\).*\nfix: release one of them: cgpu runtime release trainer\n/)
    await bench.data(['runtime', 'release', 'trainer', '--yes'])
  })

  it('are not asked for under a name that nobody knows', async () => {
    const refused = await bench.cli(['runtime', 'create', '--gpu', 't4,a10'])
    assertRefused(refused, 68)
    assert.match(refused.stderr, /there is no GPU "a10"\nfix: did you mean "a100"\?/)
    assert.deepEqual(bench.calls('/tun/m/assign'), [])
    assertRefused(await bench.cli(['runtime', 'create', '--wait', 'soon']), 64)
    assertRefused(await bench.cli(['runtime', 'create', '--lease', 'for ever']), 64)
  })

  it('with another accelerator than asked for are released, or kept when that is allowed', async () => {
    // Colab claims an A100; the machine knows better
    await bench.emulator.happen({assign: [{accelerator: 'T4', reported: 'A100'}]})
    const refused = await bench.cli(['runtime', 'create', '--gpu', 'a100', '-q'])
    assertRefused(refused, 68)
    assert.match(refused.stderr, /the machine has Tesla T4, not the a100/)
    assert.deepEqual(bench.machines(), [])
    await bench.emulator.happen({assign: [{accelerator: 'T4', reported: 'A100'}]})
    const taken = await bench.cli(['runtime', 'create', '--gpu', 'a100', '--allow-downgrade', '--name', 'trainer'])
    assert.equal(taken.status, 0, taken.stderr)
    assert.match(taken.stderr, /warning: trainer has Tesla T4, not what was asked for/)
    assert.equal((await bench.data<RuntimeJson>(['runtime', 'show', 'trainer'])).accelerator.name, 'Tesla T4')
  })

  it('can be TPUs, under the names of people', async () => {
    const made = await bench.data<RuntimeJson>(['runtime', 'create', '--tpu', 'v5e-1'])
    assert.deepEqual([made.accelerator.kind, made.accelerator.name], ['tpu', 'v5litepod-1'])
  })

  it('release themselves when nobody uses them', async () => {
    const made = await bench.data<RuntimeJson>(['runtime', 'create', '--lease', '3s'])
    assert.equal(made.lease?.seconds, 3)
    await until(() => bench.machines().length === 0, () => 'the machine is still there')
    assert.deepEqual(bench.emulator.status().ended.map((one) => one.reason), ['self'])
    assert.deepEqual(await bench.data(['ps']), [])
  })

  it('do not release themselves while they work, nor without a lease', async () => {
    await bench.data<RuntimeJson>(['runtime', 'create', '--name', 'busy'])
    // it works already when it is leased: else a machine under load is gone before
    const ran = Watched.cgpu(['exec', '-r', 'busy', `print("on", flush=True)\n${untilThere('/content/go')}\ntime.sleep(6); print("through")`], {home: bench.home})
    await ran.shows('stdout', /on/)
    await bench.data<RuntimeJson>(['runtime', 'ensure', 'busy', '--lease', '3s'])
    writeFileSync(contentOf(bench, 'go'), '')
    assert.equal((await ran.exit).status, 0, ran.stderr)
    assert.equal(ran.stdout, 'on\nthrough\n')
    await until(() => bench.machines().length === 0, () => 'the machine is still there')
    const free = await bench.data<RuntimeJson>(['runtime', 'create', '--lease', 'off', '--name', 'free'])
    assert.equal(free.lease, undefined)
    const leased = await bench.data<RuntimeJson>(['runtime', 'ensure', 'free', '--lease', '2s'])
    assert.equal(leased.lease?.seconds, 2)
    await until(() => bench.machines().length === 0, () => 'the machine is still there')
  })

  it('may belong to several accounts', async () => {
    const one = await bench.data<RuntimeJson>(['runtime', 'create', '--name', 'mine'])
    const other = bench.as('free@example.com')
    const two = await bench.data<RuntimeJson>(['runtime', 'create', '--name', 'other', '--gpu', 't4'], {env: other})
    assert.deepEqual([one.account, two.account], ['google:me@example.com', 'google:free@example.com'])
    const only = await bench.data<RuntimeJson[]>(['runtime', 'list', '--account', 'free@example.com'], {env: other})
    assert.deepEqual(only.map((each) => each.name), ['other'])
    await bench.cli(['runtime', 'release', 'other'], {env: other})
    assert.equal(bench.machines().length, 1)
  })

  it('that were opened in a browser are marked, never picked, and can be adopted', async () => {
    // another cgpu's home is as good as a browser: this one knows nothing of it
    const elsewhere = await colabHome(bench)
    const [endpoint = ''] = bench.machines()
    const [seen] = await bench.data<RuntimeJson[]>(['ps'])
    assert.deepEqual([seen?.origin, seen?.id], ['foreign', `colab-${endpoint}`])
    assert.match((await bench.cli(['ps'])).stdout, /opened in a browser/)
    assertRefused(await bench.cli(['exec', '1']), 66)
    assert.equal((await bench.cli(['stop', '--all', '--yes'])).stderr, 'no runtimes to release\n')
    const named = await bench.cli(['exec', '-r', seen?.name ?? '', 'print(6 * 7)'])
    assert.equal(named.stdout, '42\n', named.stderr)
    const adopted = await bench.data<RuntimeJson>(['runtime', 'adopt', endpoint, '--name', 'taken'])
    assert.deepEqual([adopted.origin, adopted.name, adopted.lease], ['adopted', 'taken', undefined])
    const leased = await bench.data<RuntimeJson>(['runtime', 'adopt', 'taken', '--lease', '90m'])
    assert.deepEqual([leased.origin, leased.lease?.seconds], ['adopted', 5400])
    assert.equal((await bench.cli(['exec', 'print(1)'])).stdout, '1\n')
    assert.match((await bench.cli(['stop', '--all', '--yes'])).stdout, /released taken/)
    assert.deepEqual(bench.machines(), [])
    await elsewhere()
  })

  it('are kept alive by work, and not without it', async () => {
    await bench.emulator.reset({name: 'short', scenario: {...(await import('@cgpu/emulator')).parseScenario({world: {fit: 21}}, 'short')}})
    await bench.data(['runtime', 'create', '--name', 'alive'])
    const beats = (): number => bench.calls('keep-alive').length
    bench.emulator.log.clear()
    let started = performance.now()
    /** one each third of the 21 s */
    const most = (): number => (performance.now() - started) / 7_000
    await bench.cli(['exec', '-r', 'alive', 'print(1)'])
    assert.ok(beats() <= most(), `${beats()} beats, ${most()} at most`)
    bench.emulator.log.clear()
    started = performance.now()
    const working = bench.cli(['exec', '-r', 'alive', untilThere('/content/go')])
    await until(() => beats() >= 1, () => 'no beat')
    writeFileSync(contentOf(bench, 'go'), '')
    const ran = await working
    assert.equal(ran.status, 0, ran.stderr)
    assert.ok(beats() <= most(), `${beats()} beats, ${most()} at most`)
    // a job whose command was killed: by whoever follows it
    const left = startCgpu(['run', '-r', 'alive', '--', 'sh', '-c', 'until [ -e /content/go-job ]; do sleep 0.05; done'], {home: bench.home})
    const ended = once(left, 'exit')
    let id = ''
    const jobs = async (): Promise<{id: string; state: string}[]> => bench.data(['job', 'list', '-r', 'alive'])
    await until(async () => (id = (await jobs()).find((one) => one.state === 'running')?.id ?? '') !== '', () => 'no job runs')
    left.kill('SIGKILL')
    await ended
    bench.emulator.log.clear()
    const attached = bench.cli(['job', 'attach', id, '-r', 'alive'])
    await until(() => beats() >= 1, () => 'no beat')
    writeFileSync(contentOf(bench, 'go-job'), '')
    assert.equal((await attached).status, 0)
  })
})

/** A file of /content on the only machine, seen from here: nobody uses the machine to make it. */
const contentOf = ({emulator}: ColabBench, name: string): string => {
  const machines = join(emulator.folder, 'machines')
  const content = readdirSync(machines).map((machine) => join(machines, machine, 'content')).find((path) => existsSync(path))
  return join(content ?? assert.fail('there is no machine'), name)
}

/** Makes a machine from another home, and forgets that home. */
async function colabHome(bench: ColabBench): Promise<() => Promise<void>> {
  const {sealedHome, cgpu} = await import('../helpers/cli.ts')
  const home = await sealedHome()
  const {CGPU_COLAB_EMULATOR = '', CGPU_TOKEN = '', CGPU_PYTHON = ''} = bench.home.env
  const made = await cgpu(['runtime', 'create', '--gpu', 't4', '--lease', 'off'], {home, env: {CGPU_COLAB_EMULATOR, CGPU_TOKEN, CGPU_PYTHON, CGPU_PROVIDER: 'colab'}})
  assert.equal(made.status, 0, made.stderr)
  return () => home.remove()
}
