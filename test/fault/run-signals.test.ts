import assert from 'node:assert/strict'
import {existsSync} from 'node:fs'
import {writeFile} from 'node:fs/promises'
import {join} from 'node:path'
import {planRun} from '@cgpu/core/execution/plan'
import {Run} from '@cgpu/core/execution/run'
import {nothingLeft} from '../helpers/workbench.ts'
import {testPython} from '../helpers/jupyter-server.ts'
import {assertCounted, type SessionBed, startSessionBed, until} from '../helpers/session-bed.ts'
import {Watched} from '../helpers/watched.ts'

/** Prints 0..4, waits for the file `go`, prints on up to n-1, makes `${go}-end`. */
const counting = (n: number, go: string): string => [
  'import os, time',
  `for i in range(${n}):`,
  `    while i == 5 and not os.path.exists(${JSON.stringify(go)}): time.sleep(0.02)`,
  '    print(i, flush=True)',
  `open(${JSON.stringify(`${go}-end`)}, 'w').close()`,
].join('\n')

describe('signals to cgpu', function () {
  this.timeout(60_000)
  let bed: SessionBed
  let files = 0
  const goFile = (): string => join(bed.home.path, `go-${files++}`)
  const cgpu = (...args: string[]): Watched => Watched.cgpu(args, {home: bed.home})
  const run = (code: string): Watched => cgpu('run', '-r', 'bed', '--', testPython, '-c', code)
  const clean = (...all: Watched[]): void => {
    for (const each of all) {
      assert.ok(!`${each.stdout}${each.stderr}`.includes(bed.jupyter.token), 'the token was printed')
      assert.doesNotMatch(each.stderr, /^\s+at |unhandled/im)
    }
  }

  before(async () => {
    bed = await startSessionBed()
  })
  afterEach(() => bed.reset())
  after(() => bed?.stop())

  it('row 15: Ctrl-C once interrupts the code, and the kernel lives', async () => {
    const code = cgpu('exec', '-r', 'bed', 'x = 41\nprint("on", flush=True)\nimport time\ntime.sleep(600)')
    await code.shows('stdout', /on/)
    code.child.kill('SIGINT')
    assert.deepEqual(await code.exit, {status: 130, signal: null})
    assert.match(code.stderr, /KeyboardInterrupt/)
    const after = cgpu('exec', '-r', 'bed', 'print(x + 1)')
    assert.deepEqual(await after.exit, {status: 0, signal: null})
    assert.equal(after.stdout, '42\n')
    clean(code, after)
  })

  it('row 15: Ctrl-C twice leaves code that ignores the first one', async () => {
    const code = cgpu('exec', '-r', 'bed', 'import signal, time\nsignal.signal(signal.SIGINT, signal.SIG_IGN)\nprint("on", flush=True)\ntime.sleep(600)')
    await code.shows('stdout', /on/)
    code.child.kill('SIGINT')
    await code.shows('stderr', /Ctrl-C again leaves/)
    code.child.kill('SIGINT')
    assert.deepEqual(await code.exit, {status: 130, signal: null})
    assert.match(code.stderr, /left; the code goes on on bed/)
    clean(code)
  })

  it('row 15: Ctrl-C twice while offline leaves at once, and says how to follow the job', async () => {
    const go = goFile()
    const job = run(counting(10, go))
    await job.shows('stdout', /^4$/m)
    bed.chaos.refuse()
    bed.chaos.rstAll()
    await job.shows('stderr', /connection lost/)
    job.child.kill('SIGINT')
    await job.shows('stderr', /Ctrl-C again leaves/)
    job.child.kill('SIGINT')
    assert.equal((await job.exit).status, 130)
    const id = /cgpu job attach ([\w-]+) -r bed/.exec(job.stderr)?.[1] ?? ''
    bed.chaos.refuse(false)
    await writeFile(go, '')
    const attached = cgpu('job', 'attach', id, '-r', 'bed')
    assert.equal((await attached.exit).status, 0, attached.stderr)
    assertCounted(attached.numbers, 10)
    clean(job, attached)
  })

  for (const [signal, status] of [['SIGTERM', 143], ['SIGHUP', 129]] as const) {
    it(`row 16: after ${signal} the job goes on, and it is said how to follow it`, async () => {
      const go = goFile()
      const job = run(counting(10, go))
      await job.shows('stdout', /^4$/m)
      job.child.kill(signal)
      assert.deepEqual(await job.exit, {status, signal: null})
      const id = /cgpu job attach ([\w-]+) -r bed/.exec(job.stderr)?.[1] ?? ''
      await writeFile(go, '')
      await until(() => existsSync(`${go}-end`))
      const attached = cgpu('job', 'attach', id, '-r', 'bed')
      assert.equal((await attached.exit).status, 0, attached.stderr)
      assertCounted(attached.numbers, 10)
      clean(job, attached)
    })

    it(`row 16: after ${signal} a runtime that was made for the run is released`, async () => {
      const owned = Watched.cgpu(['run', '--provider', 'local', '--', testPython, '-c', 'import time\nprint("on", flush=True)\ntime.sleep(600)'],
        {home: bed.home, cwd: bed.home.cwd, env: {CGPU_PYTHON: testPython, CGPU_MARK: `owned-${signal}`}})
      await owned.shows('stdout', /on/)
      owned.child.kill(signal)
      assert.equal((await owned.exit).status, status)
      assert.match(owned.stderr, /released/)
      await nothingLeft({...bed.home, path: `owned-${signal}`})
      clean(owned)
    })
  }

  it('row 16: signals that come again and again do not keep a runtime from being released', async () => {
    const owned = Watched.cgpu(['run', '--provider', 'local', '--', testPython, '-c', 'import time\nprint("on", flush=True)\ntime.sleep(600)'],
      {home: bed.home, env: {CGPU_PYTHON: testPython, CGPU_MARK: 'owned-storm'}})
    await owned.shows('stdout', /on/)
    const storm = setInterval(() => owned.child.kill('SIGHUP'), 2)
    await owned.exit.finally(() => clearInterval(storm))
    await nothingLeft({...bed.home, path: 'owned-storm'})
    assert.match(owned.stderr, /released/)
    clean(owned)
  })

  for (const preparing of [false, true]) {
    it(`row 15: Ctrl-C while ${preparing ? 'the installation of packages' : 'the program'} is being started reaches it`, async () => {
      const {session} = await bed.session()
      const agent = await session.agent()
      const start = agent.start.bind(agent)
      const asked = Promise.withResolvers<void>()
      const goOn = Promise.withResolvers<void>()
      agent.start = async (request) => {
        asked.resolve()
        await goOn.promise
        return start({...request, argv: ['sleep', '600']})
      }
      const plan = await planRun({cwd: bed.home.cwd, command: ['true'], include: [], packages: preparing ? ['tiny'] : [], env: {}, outputs: []})
      const run = new Run(session, {plan, onEvent: () => undefined, outputDir: bed.home.cwd})
      const ended = run.execute().catch((error: unknown) => error)
      await asked.promise
      const signalled = run.signal('SIGINT').catch((error: unknown) => error)
      // the next thing that the agent is asked, so that a signal which did not wait has been there
      await agent.status(run.id)
      goOn.resolve()
      assert.equal(await signalled, undefined)
      await until(async () => (await agent.status(preparing ? `${run.id}-pip` : run.id)).signal === 'SIGINT')
      const end = await ended
      const {code, signal} = end as {code?: string; signal?: string}
      assert.equal(preparing ? code : signal, preparing ? 'INTERRUPTED' : 'SIGINT')
    })
  }

  it('row 18: kill -9, then the job is followed from its beginning and from an offset', async () => {
    const go = goFile()
    const job = run(counting(2000, go))
    await job.shows('stdout', /^4$/m)
    job.child.kill('SIGKILL')
    await job.exit
    const {session} = await bed.session()
    const agent = await session.agent()
    const [found] = await agent.runs()
    assert.equal(found?.state, 'running')
    const {bytes} = await agent.read(found.id, {offset: 0})
    await writeFile(go, '')
    const whole = cgpu('job', 'attach', found.id, '-r', 'bed')
    const rest = cgpu('job', 'attach', found.id, '-r', 'bed', '--offset', String(bytes.length))
    assert.equal((await whole.exit).status, 0, whole.stderr)
    assertCounted(whole.numbers, 2000)
    assert.equal((await rest.exit).status, 0, rest.stderr)
    assertCounted([0, 1, 2, 3, 4, ...rest.numbers], 2000)
    clean(job, whole, rest)
  })
})
