import assert from 'node:assert/strict'
import type {LogEntry} from '@cgpu/emulator'
import type {ColabBench} from '../helpers/colab-bench.ts'
import {colabDaemonBed, type DaemonView, patience} from '../helpers/daemon-bed.ts'
import {until} from '../helpers/workbench.ts'

const names = ['first', 'second', 'third']
const proxyTokenOf = ({headers}: LogEntry): string | undefined => headers['x-colab-runtime-proxy-token']

describe('the daemon with several machines on Colab', function () {
  this.timeout(120_000)
  let bed: ColabBench & DaemonView
  before(async () => {
    bed = await colabDaemonBed()
    Object.assign(bed.home.env, patience)
    await bed.start()
    const made = await Promise.all(names.map((name) => bed.cli(['runtime', 'create', '--name', name])))
    for (const {status, stderr} of made) assert.equal(status, 0, stderr)
  })
  after(() => bed?.remove())

  /** The machines for which another token was given since then, sorted. */
  const renewed = (since: number): string[] =>
    bed.emulator.log.query({site: 'control', path: '/runtime-proxy-token', status: 200, since}).map((one) => new URL(one.path, bed.emulator.url).searchParams.get('endpoint') ?? '').sort()
  const accountRenewals = (since: number): number => bed.emulator.log.query({site: 'control', method: 'POST', path: '/token', since}).length
  /** Code on several machines at once: each prints its own line, and nothing else is said. */
  async function execEach(on: readonly string[], code: string, flags: string[] = []): Promise<string[]> {
    const {executions} = await bed.status()
    const ran = await Promise.all(on.map((name) => bed.cli(['exec', '-r', name, ...flags, code])))
    for (const {status, stderr} of ran) assert.deepEqual([status, stderr], [0, ''])
    assert.equal((await bed.status()).executions - executions, on.length, 'the daemon ran it')
    return ran.map(({stdout}) => stdout)
  }
  const warm = async (): Promise<string[]> => ((await bed.status()).sessions ?? []).map(({runtime}) => runtime).sort()
  /** As when the network goes: the sessions of the daemon are given up. */
  async function disconnect(): Promise<void> {
    await bed.emulator.happen({disconnect: 'runtime:*'})
    await until(async () => (await warm()).length === 0, () => 'sessions are still there')
  }

  it('keeps a session for each, and asks nobody anything for code that runs later', async () => {
    const marks = await execEach(names, 'import os; mark = os.urandom(8).hex(); print(mark)')
    assert.equal(new Set(marks).size, 3)
    assert.deepEqual(await warm(), names)
    const {count} = bed.emulator.log
    assert.deepEqual(await execEach([...names, ...names], 'print(mark)'), [...marks, ...marks])
    assert.deepEqual(bed.emulator.log.query({since: count}).map(({site, path}) => `${site} ${path}`), [])
  })

  it('gets a new token for each machine whose token ran out, once for all that need it', async () => {
    const {count} = bed.emulator.log
    await bed.emulator.happen({expire: 'proxy-tokens'})
    await execEach([...names, 'first'], '1', ['--new-kernel'])
    assert.deepEqual(renewed(count), bed.machines().sort())
    assert.equal(accountRenewals(count), 0)
    assert.deepEqual(await warm(), names)
  })

  it('does so as well when its connections went with the token', async () => {
    const {count} = bed.emulator.log
    await bed.emulator.happen({expire: 'proxy-tokens'})
    await disconnect()
    const [one, , , other] = await execEach([...names, 'first'], 'print(mark)')
    assert.equal(one, other)
    assert.deepEqual(renewed(count), bed.machines().sort())
    assert.deepEqual(await warm(), names)
  })

  it('gets one new token of the account for all machines when an hour has passed', async () => {
    await bed.emulator.clock.advance(61 * 60_000)
    const {count} = bed.emulator.log
    await disconnect()
    await execEach(names, 'print(mark)')
    assert.equal(accountRenewals(count), 1)
    assert.deepEqual(renewed(count), bed.machines().sort())
  })

  it('sends a token to nobody but whom it is for', () => {
    const all = bed.emulator.log.query()
    const machines = all.filter(({site}) => site.startsWith('runtime:'))
    const seen = new Set<string>()
    for (const entry of machines) {
      const [, endpoint = ''] = entry.site.split(':')
      const token = proxyTokenOf(entry)
      assert.ok(token !== undefined, `${entry.site} ${entry.path}`)
      assert.notEqual(bed.emulator.world.checkToken(endpoint, 8080, token), 'unknown', `a token of another machine went to ${entry.site}`)
      seen.add(`${endpoint} ${token}`)
      assert.doesNotMatch(JSON.stringify([entry.path, entry.headers]), /emu-(access|refresh)-/, 'an account is none of a machine\'s business')
    }
    // each machine's first one, and one each time that it ran out
    assert.ok(seen.size >= 9, [...seen].join('\n'))
    for (const entry of all.filter(({site}) => site === 'control')) assert.doesNotMatch(JSON.stringify([entry.path, entry.headers, entry.body]), /emu-proxy-/, entry.path)
  })

  it('is not said to look after a job whose account only its command knows', async () => {
    const env = bed.as('me@example.com')
    const started = await bed.cli(['run', '-d', '-r', 'first', '--', 'true'], {env})
    const id = started.stdout.trim()
    assert.match(started.stderr, new RegExp(`^warning: the daemon is not given CGPU_TOKEN, and cannot look after the job on first: see to its end yourself \\(cgpu job wait ${id}\\)`, 'm'))
    assert.equal((await bed.cli(['job', 'wait', id], {env})).status, 0)
    assert.doesNotMatch((await bed.cli(['run', '-d', '-r', 'first', '--', 'true'])).stderr, /warning/)
  })
})
