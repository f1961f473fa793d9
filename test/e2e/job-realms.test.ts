import assert from 'node:assert/strict'
import {existsSync, readFileSync, writeFileSync} from 'node:fs'
import {join} from 'node:path'
import type {JobRecord} from '@cgpu/core/job/record'
import type {JobView} from '@cgpu/core/job/view'
import type {RuntimeRecord} from '@cgpu/core/runtime/record'
import type {ReleasedRuntime} from '@cgpu/core/runtime/service'
import {type Emulator, startEmulator} from '@cgpu/emulator'
import type {ColabBench} from '../helpers/colab-bench.ts'
import {envelope} from '../helpers/cli.ts'
import {colabDaemonBed, type DaemonView, patience} from '../helpers/daemon-bed.ts'
import {testPython} from '../helpers/jupyter-server.ts'
import {assertRefused, until} from '../helpers/workbench.ts'

const forever = ['--', 'sh', '-c', 'exec sleep 1000']

describe('a job on an emulated Colab, seen from a shell that works elsewhere', function () {
  this.timeout(150_000)
  let bench: ColabBench & DaemonView
  let other: Emulator
  let elsewhere: [string, Record<string, string>][]
  before(async () => {
    bench = await colabDaemonBed()
    Object.assign(bench.home.env, {CGPU_DAEMON_TASKS_MS: '200', ...patience})
    other = await startEmulator({python: async () => testPython})
    bench.onRemove(() => other.close())
    const {CGPU_TOKEN: _, ...others} = other.env()
    elsewhere = [['at Google', {...Object.fromEntries(Object.keys(bench.emulator.env()).map((name) => [name, ''])), CGPU_TOKEN: ''}], ['at another emulator', others]]
  })
  after(() => bench?.remove())
  afterEach(async () => {
    await bench.cli(['stop', '--all', '--yes'])
    assert.deepEqual(bench.machines(), [])
  })

  const record = (id: string): JobRecord => (JSON.parse(readFileSync(join(bench.home.dataDir, 'state', 'jobs', `${id}.json`), 'utf8')) as {job: JobRecord}).job
  const start = (...args: string[]): Promise<{id: string; runtime: string}> => bench.data(['run', '--detach', ...args, ...forever])

  it('is neither settled, listed, moved nor reaped from there, and told of as what it is', async () => {
    const {id, runtime} = await start('--max-restarts', '2')
    const origin = new URL(bench.home.env['CGPU_COLAB_EMULATOR'] ?? '').origin
    for (const [, env] of elsewhere) {
      assert.deepEqual(await bench.data(['job', 'list'], {env}), [])
      await bench.cli(['runtime', 'reap'], {env})
      for (const args of [['job', 'wait', id], ['job', 'move', id], ['job', 'rm', id], ['logs', id]]) {
        const refused = await bench.cli(args, {env})
        assertRefused(refused, 72)
        assert.match(refused.stderr, new RegExp(`the job ${id} is on ${runtime} at ${origin}`))
        assert.match(refused.stderr, new RegExp(`fix: set CGPU_COLAB_EMULATOR=${origin}`))
      }
      assert.equal((await bench.data<JobView>(['job', 'show', id], {env})).state, 'unknown')
    }
    const {settledAt, moves, realm} = record(id)
    assert.deepEqual([settledAt, moves, realm, bench.machines().length], [undefined, undefined, origin, 1])
    assert.equal(envelope(await bench.cli(['job', 'show', id, '--json'])).ok, true)
  })

  it('is forgotten from there, and its machine, when that is asked for by name: nothing is ended by it', async () => {
    const [[where, env] = assert.fail()] = elsewhere
    const {id, runtime} = await start()
    const running = await bench.cli(['job', 'rm', id, '--force'])
    assertRefused(running, 72)
    assert.match(running.stderr, /is still running/)
    const removed = await bench.cli(['job', 'rm', id, '--force'], {env})
    assert.deepEqual([removed.status, removed.stdout], [0, `removed ${id}\n`], removed.stderr)
    assert.match(removed.stderr, new RegExp(`^warning: the job ${id} is on ${runtime} at http.*works ${where}; ${id} is only forgotten here: where ${runtime} is still there it goes on, .*: cgpu runtime release ${runtime} --force`, 'm'))
    assert.throws(() => record(id), /ENOENT/)
    assertRefused(await bench.cli(['runtime', 'release', runtime], {env}), 66)
    assertRefused(await bench.cli(['runtime', 'release', '--force'], {env}), 64)
    assertRefused(await bench.cli(['runtime', 'release', 'nobody', '--force'], {env}), 66)
    const forgot = await bench.cli(['runtime', 'release', runtime, '--force'], {env})
    assert.deepEqual([forgot.status, forgot.stdout], [0, `forgot ${runtime}\n`], forgot.stderr)
    assert.match(forgot.stderr, new RegExp(`^warning: ${runtime} is at http.*works ${where}; it is only forgotten here: where it still runs it goes on`, 'm'))
    // seen from where it is, it is there, under a name of its own
    const [machine] = await bench.data<{id: string; name: string}[]>(['runtime', 'list'])
    assert.equal(bench.machines().length, 1)
    assert.equal((await bench.data<JobView[]>(['job', 'list', '-r', machine?.name ?? '']))[0]?.id, id)
  })

  it('or of a provider that is no more, is forgotten, and its machine, when that is asked for', async () => {
    const {id, runtime} = await start()
    const state = join(bench.home.dataDir, 'state')
    const job = record(id)
    const made = JSON.parse(readFileSync(join(state, 'runtimes', `${job.runtime.id}.json`), 'utf8')) as {record: RuntimeRecord} // our own file
    // as a plugin that was uninstalled left them
    const {account: _, ...rest} = made.record
    const machine = {...rest, id: 'moon-1', providerId: '1', name: 'crater', provider: 'moon'}
    writeFileSync(join(state, 'runtimes', 'moon-1.json'), JSON.stringify({version: 1, record: machine}))
    const {realm: __, ...local} = job
    writeFileSync(join(state, 'jobs', 'on-the-moon.json'), JSON.stringify({version: 1, job: {...local, id: 'on-the-moon', fingerprint: 'on-the-moon', detached: false, runtime: {id: 'moon-1', name: 'crater', provider: 'moon'}}}))
    const refused = await bench.cli(['job', 'rm', 'on-the-moon'])
    assertRefused(refused, 64)
    assert.match(refused.stderr, /^error: there is no provider "moon"/m)
    const removed = await bench.cli(['job', 'rm', 'on-the', '--force'])
    assert.deepEqual([removed.status, removed.stdout], [0, 'removed on-the-moon\n'], removed.stderr)
    assert.match(removed.stderr, /^warning: there is no provider "moon"; on-the-moon is only forgotten here: /m)
    assertRefused(await bench.cli(['runtime', 'release', 'crater']), 64)
    const both = await bench.data<ReleasedRuntime[]>(['runtime', 'release', 'crater', runtime, '--force'])
    assert.deepEqual(both.map(({name, stopped}) => [name, stopped]), [['crater', false], [runtime, true]])
    assert.deepEqual([bench.machines(), existsSync(join(state, 'runtimes', 'moon-1.json'))], [[], false])
  })

  it('goes on while a daemon works for shells of both', async () => {
    for (const [, env] of elsewhere) {
      await bench.cli(['daemon', 'stop'])
      await bench.start(env)
      const looked = async (): Promise<string[]> => (await bench.data<{tasks: {name: string; ranAt: string | null}[]}>(['daemon', 'status'])).tasks.filter(({name}) => name === 'jobs').map(({ranAt}) => ranAt ?? '')
      /** each environment has looked anew */
      const allLook = async (): Promise<void> => {
        const before = await looked()
        await until(async () => (await looked()).every((at, i) => at > (before[i] ?? '')), () => 'an environment does not look')
      }
      // nobody told the daemon of this one: only the other realm sees it
      const untold = await bench.data<{id: string; runtime: string}>(['run', '--detach', ...forever], {env: {CGPU_DAEMON: 'off'}})
      await allLook()
      assert.equal((await looked()).length, 1)
      await allLook()
      const told = await start('--max-restarts', '2')
      await until(async () => (await looked()).length === 2, () => 'no second environment')
      await allLook()
      await allLook()
      for (const {id, runtime} of [untold, told]) {
        const kept = record(id)
        assert.deepEqual([kept.settledAt, kept.moves, kept.runtime.name], [undefined, undefined, runtime])
      }
      assert.equal(bench.machines().length, 2)
      await bench.cli(['stop', '--all', '--yes'])
    }
  })
})
