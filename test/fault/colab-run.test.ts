import assert from 'node:assert/strict'
import type {ChildProcess} from 'node:child_process'
import {once} from 'node:events'
import {existsSync, readdirSync, rmSync} from 'node:fs'
import {join} from 'node:path'
import {agreeingBrowser} from '../helpers/agreeing-browser.ts'
import {startCgpu} from '../helpers/cli.ts'
import {type ColabBench, colabBench} from '../helpers/colab-bench.ts'
import {until} from '../helpers/workbench.ts'

/** Prints 0..199; before the second half waits until the file `go` is there. */
const counting = `import os, time
for i in range(200):
    while i >= 100 and not os.path.exists('/content/go'): time.sleep(0.02)
    print(i, flush=True)
`
const all = Array.from({length: 200}, (_, i) => `${i}\n`).join('')

/** A command under way. */
class Running {
  stdout = ''
  stderr = ''
  readonly child: ChildProcess
  readonly ended: Promise<number | null>

  constructor(args: readonly string[], bench: ColabBench) {
    this.child = startCgpu(args, {home: bench.home})
    this.child.stdout?.on('data', (chunk: Buffer) => void (this.stdout += chunk.toString('utf8')))
    this.child.stderr?.on('data', (chunk: Buffer) => void (this.stderr += chunk.toString('utf8')))
    this.ended = once(this.child, 'close').then(([status]) => status as number | null) // as node documents it
  }

  async printed(text: string): Promise<void> {
    await until(() => this.stdout.includes(text) || this.child.exitCode !== null, () => `${this.stdout}\n${this.stderr}`)
    assert.ok(this.stdout.includes(text), this.stderr)
  }
}

for (const closes of [true, false]) {
  describe(`a proxy token that ends after an hour, ${closes ? 'and with it its sockets' : 'while its sockets stay'} (row 24)`, function () {
    this.timeout(120_000)
    let bench: ColabBench
    before(async () => {
      bench = await colabBench({machines: {closeExpiredSockets: closes}})
      const made = await bench.cli(['runtime', 'create', '--name', 'colab'])
      assert.equal(made.status, 0, made.stderr)
    })
    after(() => bench?.remove())
    const go = async (): Promise<void> => {
      const {status, stderr} = await bench.cli(['exec', '--new-kernel', 'open("/content/go", "w").close()'])
      assert.equal(status, 0, stderr)
    }
    afterEach(() => {
      const machines = join(bench.emulator.folder, 'machines')
      for (const machine of readdirSync(machines)) rmSync(join(machines, machine, 'content', 'go'), {force: true})
    })

    for (const [kind, args] of [['exec', ['exec', '-f', 'counting.py']], ['run', ['run', 'counting.py']]] as const) {
      it(`loses and doubles nothing of a ${kind}, twice`, async () => {
        await bench.file('counting.py', `${counting}import sys; sys.exit(7)\n`)
        const running = new Running(args, bench)
        await running.printed('99\n')
        await bench.emulator.clock.advance(61 * 60_000)
        // a machine that nobody uses in two hours would be idle
        const between = await bench.cli(['exec', '--new-kernel', '1 + 1'])
        assert.deepEqual([between.status, between.stdout], [0, '2\n'], between.stderr)
        await bench.emulator.clock.advance(61 * 60_000)
        await go()
        assert.equal(await running.ended, 7, running.stderr)
        assert.equal(running.stdout, all)
        assert.doesNotMatch(running.stderr, /missing|error:/)
      })

      if (!closes) continue
      for (const [what, fault] of [['is down', {status: 503}], ['is behind a captive portal', {html: true}]] as const) {
        it(`keeps a ${kind} over it, though Colab ${what} for a while`, async () => {
          await bench.file('counting.py', counting)
          const running = new Running(args, bench)
          await running.printed('99\n')
          const {id} = bench.emulator.faults.add({match: {site: 'control'}, do: fault})
          const before = bench.calls('runtime-proxy-token').length
          await bench.emulator.clock.advance(61 * 60_000)
          await until(() => bench.calls('runtime-proxy-token').length >= before + 3, () => running.stderr)
          bench.emulator.faults.remove(id)
          await go()
          assert.equal(await running.ended, 0, running.stderr)
          assert.equal(running.stdout, all)
        })
      }
    }
  })
}

describe('a sign-in of an hour under a run of two', function () {
  this.timeout(120_000)
  let bench: ColabBench
  beforeEach(async () => {
    bench = await colabBench({machines: {closeExpiredSockets: true}})
    delete bench.home.env['CGPU_TOKEN']
    Object.assign(bench.home.env, {BROWSER: await agreeingBrowser(bench.home.path), CGPU_KEYRING: 'off'})
    const signedIn = await bench.cli(['auth', 'login', '--client-config', bench.emulator.clientConfig])
    assert.equal(signedIn.status, 0, signedIn.stderr)
    const made = await bench.cli(['runtime', 'create', '--name', 'colab'])
    assert.equal(made.status, 0, made.stderr)
    await bench.file('counting.py', counting)
  })
  afterEach(() => bench?.remove())

  it('is renewed together with the proxy token (row 24)', async () => {
    const running = new Running(['run', 'counting.py'], bench)
    await running.printed('99\n')
    const before = bench.calls('/token').filter((call) => call.startsWith('POST')).length
    await bench.emulator.clock.advance(61 * 60_000)
    const {status, stderr} = await bench.cli(['exec', 'open("/content/go", "w").close()'])
    assert.equal(status, 0, stderr)
    assert.equal(await running.ended, 0, running.stderr)
    assert.equal(running.stdout, all)
    assert.equal(bench.calls('/token').filter((call) => call.startsWith('POST')).length, before + 1)
  })

  it('that was taken back ends the command with how to sign in, and leaves the program alone (row 23)', async () => {
    const running = new Running(['run', 'counting.py'], bench)
    await running.printed('99\n')
    await bench.emulator.happen({revoke: 'me@example.com'})
    await bench.emulator.clock.advance(61 * 60_000)
    assert.equal(await running.ended, 67, running.stderr)
    assert.match(running.stderr, /\nfix: cgpu auth login/)
    assert.equal(bench.machines().length, 1)
    // whoever signs in again finds the program as it is
    assert.equal((await bench.cli(['auth', 'login'])).status, 0)
    const {status, stderr} = await bench.cli(['exec', 'open("/content/go", "w").close()'])
    assert.equal(status, 0, stderr)
    const [job] = await bench.data<{id: string}[]>(['job', 'list'])
    const attached = await bench.cli(['job', 'attach', job?.id ?? ''])
    assert.deepEqual([attached.status, attached.stdout], [0, all], attached.stderr)
  })
})

describe('a machine that is taken away while work runs (row 10)', function () {
  this.timeout(60_000)
  let bench: ColabBench
  before(async () => {
    bench = await colabBench()
  })
  beforeEach(async () => {
    const made = await bench.cli(['runtime', 'create', '--name', 'colab'])
    assert.equal(made.status, 0, made.stderr)
  })
  after(() => bench?.remove())

  for (const [kind, args] of [['exec', ['exec', '-f', 'counting.py']], ['run', ['run', 'counting.py']]] as const) {
    it(`ends a ${kind} with what happened, soon, and forgets the machine`, async () => {
      await bench.file('counting.py', counting)
      const running = new Running(args, bench)
      await running.printed('99\n')
      const started = performance.now()
      await bench.emulator.happen({reclaim: '*'})
      assert.equal(await running.ended, 71, running.stderr)
      assert.ok(performance.now() - started < 15_000, `after ${Math.round(performance.now() - started)} ms`)
      assert.match(running.stderr, /error: colab was taken away while work ran on it\nfix: /)
      assert.equal(running.stdout, all.slice(0, all.indexOf('99\n') + 3))
      assert.deepEqual(await bench.data(['runtime', 'list']), [])
      assert.ok(!existsSync(join(bench.home.dataDir, 'state', 'runtimes', 'colab.json')))
    })
  }

  it('is gone for the next command, before anything is done', async () => {
    await bench.emulator.happen({reclaim: '*'})
    const {status, stderr} = await bench.cli(['exec', '1'])
    assert.equal(status, 66, stderr)
    assert.match(stderr, /error: colab is gone\n/)
  })
})
