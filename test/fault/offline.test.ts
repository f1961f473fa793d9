import assert from 'node:assert/strict'
import {spawn} from 'node:child_process'
import {existsSync} from 'node:fs'
import {writeFile} from 'node:fs/promises'
import {join} from 'node:path'
import {fileURLToPath} from 'node:url'
import {Execution} from '@cgpu/core/execution/exec'
import {testPython} from '../helpers/jupyter-server.ts'
import {assertCounted, type SessionBed, startSessionBed, Told, until} from '../helpers/session-bed.ts'
import {Watched} from '../helpers/watched.ts'

const helper = (name: string): string => fileURLToPath(new URL(`../helpers/${name}`, import.meta.url))

describe('a network that is gone', function () {
  this.timeout(60_000)
  let bed: SessionBed
  let files = 0

  before(async () => {
    bed = await startSessionBed()
  })
  afterEach(() => bed.reset())
  after(() => bed?.stop())

  /** Prints 0..499, waiting before the sixth line for the file `go`; `${go}-end` appears when it is done. */
  const counting = (): {go: string; code: string} => {
    const go = join(bed.home.path, `go-${files++}`)
    const code = [
      'import os, time',
      'for i in range(500):',
      `    while i == 5 and not os.path.exists(${JSON.stringify(go)}): time.sleep(0.02)`,
      '    print(i, flush=True)',
      `open(${JSON.stringify(`${go}-end`)}, 'w').close()`,
    ].join('\n')
    return {go, code}
  }

  it('row 5: for ten minutes, by its own clock, an execution waits with growing pauses, then goes on where it was', async () => {
    const {go, code} = counting()
    const args = ['--conditions=cgpu-source', '--disable-warning=ExperimentalWarning', '--import', helper('fast-clock.mjs'), helper('exec-child.ts'), '10000', code]
    const watched = new Watched(spawn(process.execPath, args, {env: bed.home.env, cwd: bed.home.cwd, stdio: ['ignore', 'pipe', 'pipe']}))
    await watched.shows('stdout', /^4$/m)
    const before = bed.chaos.refused
    bed.chaos.refuse()
    bed.chaos.rstAll()
    await watched.shows('stderr', /^reconnecting$/m)
    watched.child.kill('SIGUSR2')
    await watched.shows('stderr', /^fast$/m)
    // the code does not wait for us
    await writeFile(go, '')
    await until(() => existsSync(`${go}-end`))
    await watched.shows('stderr', /^ten minutes later$/m)
    const attempts = bed.chaos.refused - before
    // two connections, each tried every 15 s on average, and what asks whether their kernels are there
    assert.ok(attempts >= 20 && attempts <= 400, `${attempts} attempts in ten minutes`)
    bed.chaos.refuse(false)
    assert.deepEqual(await watched.exit, {status: 0, signal: null}, watched.stderr)
    assertCounted(watched.numbers, 500)
    assert.match(watched.stderr, /^connected$/m)
  })

  it('row 5: and again, as soon as it was back, when cgpu wants to ask the machine what it missed', async () => {
    const {go, code} = counting()
    const {session, link} = await bed.session()
    const told = new Told()
    const execution = new Execution(session, {code, onEvent: told.onEvent})
    await told.shows(/^4$/m)
    const [lost, back] = [link('reconnecting'), link('connected')]
    bed.chaos.rstAll()
    await lost
    await back
    bed.chaos.refuse()
    bed.chaos.rstAll()
    await writeFile(go, '')
    const before = bed.chaos.refused
    // the kernel's link, and more than the three tries that a request has
    await until(() => bed.chaos.refused - before >= 9)
    bed.chaos.refuse(false)
    assert.equal((await execution.result).exitStatus, 0)
    assertCounted(told.numbers, 500)
  })

  for (const [name, args] of [['exec', (code: string) => ['exec', '-r', 'bed', code]], ['run', (code: string) => ['run', '-r', 'bed', '--', testPython, '-c', code]]] as const) {
    it(`row 5: and for some seconds by everybody's clock, under ${name}`, async () => {
      const {go, code} = counting()
      const watched = Watched.cgpu(args(code), {home: bed.home})
      await watched.shows('stdout', /^4$/m)
      const before = bed.chaos.refused
      bed.chaos.refuse()
      bed.chaos.rstAll()
      await watched.shows('stderr', /connection lost/)
      await writeFile(go, '')
      await until(() => existsSync(`${go}-end`))
      await until(() => bed.chaos.refused - before >= 4)
      bed.chaos.refuse(false)
      assert.deepEqual(await watched.exit, {status: 0, signal: null}, watched.stderr)
      assertCounted(watched.numbers, 500)
      assert.match(watched.stderr, /connected again/)
      assert.doesNotMatch(watched.stderr, /error:|^\s+at /m)
    })
  }
})
