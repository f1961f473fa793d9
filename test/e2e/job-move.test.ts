import assert from 'node:assert/strict'
import {once} from 'node:events'
import {rmSync} from 'node:fs'
import {join} from 'node:path'
import type {JobView} from '@cgpu/core/job/view'
import {envelope, startCgpu} from '../helpers/cli.ts'
import {type ColabBench, colabBench} from '../helpers/colab-bench.ts'
import {linkMovePlugin, type MovePlugin} from '../helpers/move-plugin.ts'
import {assertRefused, until} from '../helpers/workbench.ts'

interface Moved {
  id: string
  from: string
  runtime: string
  state: string
  restartsLeft: number
}

/** Says what it was given, and goes on for ever. */
const forever = ['--', 'sh', '-c', 'echo "$FROM_PLUGIN $SHARED"; exec sleep 1000']

describe('cgpu job move', function () {
  this.timeout(90_000)
  let bench: ColabBench
  let plugin: MovePlugin
  before(async () => {
    bench = await colabBench()
    plugin = await linkMovePlugin(bench.home)
  })
  after(() => bench?.remove())
  afterEach(async () => {
    await bench.cli(['stop', '--all', '--yes'])
    assert.deepEqual(bench.machines(), [])
  })

  const start = async (...args: string[]): Promise<{id: string; runtime: string}> => bench.data(['run', '--detach', ...args, ...forever])
  const takeAway = async (): Promise<void> => {
    for (const endpoint of bench.machines()) assert.ok(await bench.emulator.world.reclaim(endpoint))
  }
  const lost = async (...args: string[]): Promise<{id: string; runtime: string}> => {
    const job = await start('--max-restarts', '2', ...args)
    await takeAway()
    return job
  }
  const assigned = (): number => bench.calls('/tun/m/assign').filter((call) => call.startsWith('POST')).length
  /** The error of a move that is refused, which people see in two lines. */
  const refused = async (id: string, status: number, ...args: string[]): Promise<{code: string; fix: string | null; details?: Record<string, unknown>}> => {
    assertRefused(await bench.cli(['job', 'move', id, ...args]), status)
    return envelope(await bench.cli(['job', 'move', id, ...args, '--json'])).error
  }

  it('goes on with a job on another machine, and asks plugins as for the first', async () => {
    const started = await bench.cli(['run', '--detach', '--max-restarts', '2', '-e', 'SHARED=user', ...forever])
    const id = started.stdout.trim()
    assert.match(started.stderr, new RegExp(`^warning: the value of SHARED is kept nowhere; .*: cgpu job move ${id}$`, 'm'))
    const before = plugin.told().length
    const {runtime: first} = await bench.data<JobView>(['job', 'show', id])
    await takeAway()
    const moved = await bench.cli(['job', 'move', id.slice(0, -2), '--env', 'SHARED=user'])
    assert.equal(moved.status, 0, moved.stderr)
    assert.match(moved.stdout, new RegExp(`^moved ${id} from ${first} to [a-z-]+\n$`))
    assert.match(moved.stderr, new RegExp(`follow it: cgpu job attach ${id}`))
    const [asked, create, created, told, ...more] = plugin.told().slice(before)
    assert.deepEqual([asked?.event, create?.event, created?.event, told?.event, more], ['execution:before', 'runtime:before-create', 'runtime:after-create', 'execution:after', []])
    assert.deepEqual([asked?.request?.id, asked?.request?.kind, asked?.request?.argv, asked?.request?.envNames], [id, 'run', forever.slice(1), ['SHARED']])
    assert.deepEqual([told?.outcome?.status, told?.outcome?.exitStatus], ['detached', undefined])
    const shown = await bench.data<JobView>(['job', 'show', id])
    assert.deepEqual([shown.state, shown.runtime, shown.releases], ['running', told?.request?.runtime.name, true])
    await until(async () => (await bench.cli(['logs', id])).stdout !== '', () => 'it says nothing')
    assert.equal((await bench.cli(['logs', id])).stdout, 'plugin user\n')
    // as any other: who ends it gives its machine back
    assert.match((await bench.cli(['job', 'cancel', id])).stderr, /released/)
  })

  it('stops at a veto before anything is made, and may be tried again', async () => {
    const {id} = await lost()
    const before = assigned()
    plugin.veto(true)
    const {code, details} = await refused(id, 75)
    assert.deepEqual([code, details?.['final'], assigned()], ['VETOED', true, before])
    plugin.veto(false)
    assert.equal((await bench.data<Moved>(['job', 'move', id])).restartsLeft, 1)
  })

  it('makes one machine, however many ask at once', async () => {
    const {id} = await lost()
    const before = assigned()
    const answers = (await Promise.all([1, 2, 3].map(() => bench.cli(['job', 'move', id, '--json'])))).map((one) => envelope<Moved>(one))
    const [{data: moved} = assert.fail(), ...more] = answers.filter(({ok}) => ok)
    assert.deepEqual([more, assigned() - before, bench.machines().length], [[], 1, 1])
    for (const {error} of answers.filter(({ok}) => !ok)) assert.match(error.code, /^JOB_(BUSY|RUNNING)$/)
    assert.equal((await bench.data<JobView>(['job', 'show', id])).runtime, moved.runtime)
  })

  it('that is killed leaves no machine, and the job is moved by the next', async () => {
    const {id} = await lost()
    const held = plugin.hold('SIGKILL')
    const {signal} = await bench.cli(['job', 'move', id])
    assert.deepEqual([signal, held()], ['SIGKILL', true])
    assert.equal((await bench.data<unknown[]>(['runtime', 'reap'])).length, 1)
    assert.deepEqual(bench.machines(), [])
    const moved = await bench.data<Moved>(['job', 'move', id])
    assert.equal(moved.restartsLeft, 1, 'what came to nothing by hand costs no restart')
    assert.equal((await bench.data<JobView>(['job', 'show', id])).state, 'running')
  })

  it('that is ended releases what it made', async () => {
    const {id} = await lost()
    const held = plugin.hold('SIGTERM')
    const {status, stderr} = await bench.cli(['job', 'move', id])
    assert.deepEqual([status, held()], [143, true], stderr)
    assert.deepEqual(bench.machines(), [])
  })

  it('refuses what runs, what is over, and what it does not know', async () => {
    const {id, runtime} = await start('--max-restarts', '2')
    assert.deepEqual(await refused(id, 72), {
      code: 'JOB_RUNNING', category: 'runtime', message: `the job ${id} goes on on ${runtime}`, fix: `cgpu job attach ${id}`, retryable: false, details: {id, runtime},
    })
    assert.equal((await bench.cli(['job', 'cancel', id])).status, 0)
    assert.equal((await refused(id, 72)).code, 'JOB_OVER')
    assert.equal((await refused('nothing-like-it', 66)).code, 'JOB_NOT_FOUND')
    assert.equal((await refused('../x', 64)).code, 'INVALID_ID')
  })

  it('refuses what was released on purpose', async () => {
    const {id, runtime} = await start('--max-restarts', '2')
    assert.equal((await bench.cli(['runtime', 'release', runtime])).status, 0)
    assert.equal((await refused(id, 72)).code, 'JOB_OVER')
  })

  it('says what to do for a job that was not meant to be restarted, or was too often', async () => {
    const once = await start()
    await takeAway()
    const {code, fix, details} = await refused(once.id, 64)
    assert.deepEqual([code, fix, details?.['final']], ['NOT_RESTARTABLE', `run it again: cgpu job retry ${once.id}`, true])
    const {id} = await start('--max-restarts', '1')
    await takeAway()
    assert.equal((await bench.data<Moved>(['job', 'move', id])).restartsLeft, 0)
    await takeAway()
    assert.equal((await refused(id, 71)).code, 'NO_RESTARTS_LEFT')
  })

  it('says what is missing, and goes on when it is there', async () => {
    await bench.cli(['secret', 'set', 'KEY'], {input: 'hidden'})
    await bench.file('extra.txt', '')
    const {id} = await lost('-e', 'SHARED=user', '--secret', 'KEY', '-i', 'extra.txt')
    const before = assigned()
    const told: unknown[] = []
    const tell = async (status: number, ...args: string[]): Promise<void> => {
      const {code, details} = await refused(id, status, ...args)
      told.push([code, details?.['final']])
    }
    await tell(64)
    rmSync(join(bench.home.cwd, 'extra.txt'))
    await bench.file('some.env', 'SHARED=user\n')
    await tell(66, '--env-file', 'some.env')
    await bench.file('extra.txt', '')
    assert.equal((await bench.cli(['secret', 'delete', 'KEY'])).status, 0)
    await tell(66, '--env', 'SHARED=user')
    assert.deepEqual([told, assigned()], [[['MISSING_ENV', true], ['FILE_NOT_FOUND', true], ['SECRET_NOT_FOUND', true]], before])
    await bench.cli(['secret', 'set', 'KEY'], {input: 'hidden'})
    await bench.emulator.happen({assign: ['412', 'ok']})
    const full = envelope(await bench.cli(['job', 'move', id, '--json'], {env: {SHARED: 'user'}}))
    assert.deepEqual([full.error.code, full.error.details?.['final']], ['TOO_MANY_RUNTIMES', undefined], 'that may pass')
    const moved = await bench.cli(['job', 'move', id], {env: {SHARED: 'user'}})
    assert.equal(moved.status, 0, moved.stderr)
  })

  it('is over for a job that was cancelled while it waits for a machine', async () => {
    const {id} = await lost()
    const cancelled = await bench.cli(['job', 'cancel', id])
    assert.deepEqual([cancelled.status, cancelled.stdout], [0, `${id} was cancelled\n`], cancelled.stderr)
    assert.equal((await refused(id, 72)).code, 'JOB_OVER')
    const {state, reason} = await bench.data<JobView>(['job', 'show', id])
    assert.deepEqual([state, reason], ['lost', 'cancelled'])
    const [entry] = await bench.data<{id: string; status: string}[]>(['history', 'list'])
    assert.deepEqual([entry?.id, entry?.status], [id, 'interrupted'])
    const again = await bench.cli(['job', 'cancel', id])
    assert.deepEqual([again.status, again.stderr], [0, `warning: ${id} was over already\n`])
  })

  it('gives its machine back when the job is cancelled meanwhile', async () => {
    const {id} = await lost()
    // so that it is not there before that
    await bench.emulator.happen({freeze: 'runtime:*'})
    const child = startCgpu(['job', 'move', id], {home: bench.home})
    let stderr = ''
    child.stderr?.on('data', (chunk: Buffer) => void (stderr += chunk.toString()))
    const closed = once(child, 'close')
    await until(() => bench.machines().length === 1, () => stderr)
    assert.equal((await bench.cli(['job', 'cancel', id])).status, 0)
    await bench.emulator.happen({thaw: true})
    assert.deepEqual(await closed, [72, null], stderr)
    assert.match(stderr, new RegExp(`^error: the job ${id} is over$`, 'm'))
    await until(() => bench.machines().length === 0, () => stderr)
  })
})
