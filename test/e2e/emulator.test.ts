import assert from 'node:assert/strict'
import {spawn} from 'node:child_process'
import {readFile, stat, writeFile} from 'node:fs/promises'
import {createServer} from 'node:net'
import {join} from 'node:path'
import {isAlive} from '@cgpu/core/state/process'
import {processesOf} from '../contract/processes-of.ts'
import {cgpu, type CliOptions, type CliResult, envelope, sealedHome, type SealedHome, startCgpu} from '../helpers/cli.ts'
import {testPython} from '../helpers/jupyter-server.ts'
import {assertRefused, nothingLeft, until} from '../helpers/workbench.ts'

interface Started {
  name: string
  url: string
  adminUrl: string
  adminToken: string
  pid: number
  folder: string
  clientConfig: string
  scenario: string
  seed: string
  env: Record<string, string>
}
interface Status {
  assignments: {endpoint: string; accelerator: string}[]
  accounts: {email: string; balance: number; tier: string; denylisted: boolean; maxAssignments: number}[]
  faults: {id: string}[]
  clock: {aheadSeconds: number}
  scenario: string
  sites: {site: string; frozen: boolean}[]
}

describe('cgpu emulator', function () {
  this.timeout(90_000)
  let home: SealedHome
  beforeEach(async () => {
    home = await sealedHome()
    Object.assign(home.env, {CGPU_PYTHON: testPython})
  })
  afterEach(async () => {
    try {
      await cgpu(['emulator', 'stop', '--all'], {home})
      await nothingLeft(home)
    } finally {
      await home.remove()
    }
  })
  const cli = (args: readonly string[], options: Partial<CliOptions> = {}): Promise<CliResult> => cgpu(args, {home, ...options})
  const data = async <T>(args: readonly string[], options: Partial<CliOptions> = {}): Promise<T> => {
    const result = await cli([...args, '--json'], options)
    const answer = envelope<T>(result)
    assert.ok(answer.ok, `${result.stdout}\n${result.stderr}`)
    return answer.data
  }
  const start = (...more: string[]): Promise<Started> => data<Started>(['emulator', 'start', ...more])
  const status = (...more: string[]): Promise<Status> => data<Status>(['emulator', 'status', ...more])

  it('starts in the background once, and tells of the same one when started again', async () => {
    const first = await start()
    assert.ok(await isAlive(first.pid))
    assert.deepEqual(Object.keys(first.env).sort(), ['CGPU_COLAB_EMULATOR', 'CGPU_PROVIDER', 'CGPU_TOKEN'])
    assert.equal(first.env['CGPU_COLAB_EMULATOR'], first.url)
    assert.deepEqual(await start(), first)
    const again = await cli(['emulator', 'start', '--port', '1234'])
    assert.equal(again.status, 0)
    assert.match(again.stdout, /runs already at/)
    assert.match(again.stderr, /warning: .*--port changed nothing/)
  })

  it('keeps what it knows from other users', async () => {
    const {folder, clientConfig} = await start()
    for (const path of [join(folder, 'emulator.json'), clientConfig, join(folder, 'requests.jsonl')]) assert.equal((await stat(path)).mode & 0o777, 0o600, path)
    assert.equal((await stat(folder)).mode & 0o777, 0o700)
  })

  it('starts one when several ask at the same time', async () => {
    const all = await Promise.all(Array.from({length: 4}, () => start()))
    assert.equal(new Set(all.map((one) => one.pid)).size, 1)
  })

  it('prints lines that make a shell use it, and says how', async () => {
    const {env} = await start()
    const lines = await cli(['emulator', 'start', '--env'])
    assert.equal(lines.stdout, Object.entries(env).map(([name, value]) => `export ${name}='${value}'\n`).join(''))
    const told = await cli(['emulator', 'start'])
    assert.match(told.stderr, /eval "\$\(cgpu emulator start --env\)"/)
    assert.ok(!`${told.stdout}${told.stderr}`.includes(env['CGPU_TOKEN'] ?? '-'))
  })

  it('gives runtimes, logs what they were asked with, and ends them with itself', async () => {
    const {env, folder} = await start('--seed', '7')
    await data(['runtime', 'create', '--provider', 'colab', '--gpu', 't4', '--name', 'gpu'], {env})
    assert.equal((await cli(['exec', '-r', 'gpu', 'print(6 * 7)'], {env})).stdout, '42\n')
    const [machine] = (await status()).assignments
    assert.equal(machine?.accelerator, 'T4')
    const shown = await cli(['emulator', 'status'])
    assert.match(shown.stdout, new RegExp(`${machine?.endpoint} +me@example\\.com +T4`))

    const log = await data<{site: string; path: string; status: number; headers: Record<string, string>}[]>(['emulator', 'log', '--path', '/tun/m/assign'])
    assert.deepEqual(log.map((one) => [one.site, one.status]), [['control', 200], ['control', 200]])
    assert.equal(log[0]?.headers['authorization'], `Bearer ${env['CGPU_TOKEN']}`)
    for (const {headers} of await data<typeof log>(['emulator', 'log', '--site', 'runtime:*'])) assert.ok(!JSON.stringify(headers).includes(env['CGPU_TOKEN'] ?? '-'), 'the account\'s token went to a machine')
    const text = (await cli(['emulator', 'log', '--site', 'control', '--limit', '2', '--verbose'])).stdout
    assert.match(text, /authorization: Bearer emu-standing-/)

    assert.match((await cli(['emulator', 'stop'])).stdout, /stopped the emulator default/)
    await until(() => processesOf(folder).length === 0, () => `processes are left: ${processesOf(folder).join(', ')}`)
    assertRefused(await cli(['exec', '-r', 'gpu', 'print(1)'], {env}), [69, 71])
  })

  it('gives the same names and tokens for the same seed', async () => {
    const once = async (): Promise<unknown> => {
      const {env, url} = await start('--seed', 'same')
      const assign = `${url}/tun/m/assign?nbh=${'a'.repeat(44)}&variant=GPU&accelerator=T4`
      const headers = {authorization: `Bearer ${env['CGPU_TOKEN']}`}
      const {token} = JSON.parse((await (await fetch(assign, {headers})).text()).slice(5)) as {token: string} // behind Colab's prefix
      await (await fetch(assign, {method: 'POST', headers: {...headers, 'x-goog-colab-token': token}})).text()
      const {assignments} = await status()
      assert.equal(assignments.length, 1)
      await cli(['emulator', 'stop'])
      return [env['CGPU_TOKEN'], assignments.map((one) => one.endpoint)]
    }
    assert.deepEqual(await once(), await once())
  })

  it('follows its log until it ends', async () => {
    const {url} = await start()
    const follow = startCgpu(['emulator', 'log', '--follow'], {home})
    let seen = ''
    follow.stdout?.on('data', (chunk: Buffer) => (seen += chunk.toString()))
    const ended = new Promise<number | null>((resolve) => follow.once('exit', resolve))
    await until(async () => {
      await (await fetch(`${url}/v1/one`)).text()
      return seen.includes('/v1/one')
    }, () => `seen: ${seen}`)
    await cli(['emulator', 'stop'])
    assert.equal(await ended, 0)
  })

  describe('scenario', () => {
    it('lists those that there are, and loads them by name and from files', async () => {
      const listed = await data<{name: string}[]>(['emulator', 'scenario', 'list'])
      assert.ok(listed.some((one) => one.name === 'capacity-ladder'))
      await start('--scenario', 'flaky-network')
      assert.equal((await status()).faults.length, 4)
      await writeFile(join(home.cwd, 'mine.yaml'), 'accounts: [{email: only@example.com, tier: pro}]\nfaults: [{id: busy, do: {status: 503}}]\n')
      const loaded = await data<Status>(['emulator', 'scenario', 'load', 'mine.yaml'])
      assert.deepEqual([loaded.scenario, loaded.accounts.map((one) => one.email), loaded.faults.map((one) => one.id)], ['mine.yaml', ['only@example.com'], ['busy']])
      assert.equal((await data<Status>(['emulator', 'scenario', 'load', 'plain'])).faults.length, 0)
    })

    it('moves the clock, changes accounts, freezes, thaws, expires; reset takes it back', async () => {
      const {env, url} = await start()
      const asked = async (): Promise<number> => (await fetch(`${url}/v1/user-info`, {headers: {authorization: `Bearer ${env['CGPU_TOKEN']}`}})).status
      assert.match((await cli(['emulator', 'scenario', 'advance', '61m'])).stdout, /it is 20/)
      assert.equal((await status()).clock.aheadSeconds, 3660)
      const account = await data<Status['accounts'][number]>(['emulator', 'scenario', 'account', 'me@example.com', '--balance', '0.5', '--tier', 'free', '--denied'])
      assert.deepEqual([account.balance, account.tier, account.denylisted], [0.5, 'free', true])
      // the plan's own limit came with it
      assert.equal(account.maxAssignments, 2)
      await data(['emulator', 'scenario', 'freeze', 'control'])
      assert.deepEqual((await status()).sites, [{site: 'control', connections: 0, frozen: true}])
      await data(['emulator', 'scenario', 'thaw'])
      assert.equal(await asked(), 200)
      await data(['emulator', 'scenario', 'expire', 'standing-tokens'])
      assert.equal(await asked(), 401)
      const after = await data<Status>(['emulator', 'reset'])
      assert.deepEqual([after.accounts[0]?.balance, after.accounts[0]?.denylisted], [100, false])
      assert.equal(await asked(), 200)
      assert.deepEqual(await data(['emulator', 'scenario', 'reclaim']), {reclaimed: []})
    })
  })

  it('keeps several apart by name, and stops all', async () => {
    const [one, two] = [await start('--name', 'one'), await start('--name', 'two')]
    assert.notEqual(one.pid, two.pid)
    await data(['emulator', 'scenario', 'advance', '1h', '--name', 'two'])
    assert.deepEqual([(await status('--name', 'one')).clock.aheadSeconds, (await status('--name', 'two')).clock.aheadSeconds], [0, 3600])
    assert.deepEqual(await data(['emulator', 'stop', '--all']), [{name: 'one', stopped: true}, {name: 'two', stopped: true}])
    assert.match((await cli(['emulator', 'stop', '--name', 'one'])).stderr, /was not running/)
  })

  it('ends with the process that it was started for', async () => {
    const owner = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], {stdio: 'ignore'})
    const {pid} = await start('--parent-pid', String(owner.pid))
    assert.ok(await isAlive(pid))
    owner.kill('SIGKILL')
    await until(async () => !(await isAlive(pid)), () => 'it goes on')
  })

  it('starts anew after it was killed', async () => {
    const first = await start()
    process.kill(first.pid, 'SIGKILL')
    await until(async () => !(await isAlive(first.pid)), () => 'it lives')
    assertRefused(await cli(['emulator', 'status']), 66)
    assert.notEqual((await start()).pid, first.pid)
  })

  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    it(`stays in the foreground until ${signal}`, async () => {
      const {status: code, stdout} = await cli(['emulator', 'start', '--foreground'], {signalAfter: {signal, stream: 'stdout', match: /runs at http/}})
      assert.equal(code, 0)
      assert.match(stdout, /emulator default runs at/)
      assertRefused(await cli(['emulator', 'status']), 66)
    })
  }

  it('records what another one answers, without secrets, and replays it', async () => {
    const real = await start('--name', 'real')
    const file = join(home.cwd, 'recording.json')
    const recorder = await start('--name', 'recorder', '--record', file, '--upstream', real.url)
    const env = {...real.env, CGPU_COLAB_EMULATOR: recorder.url}
    const live = await cli(['runtime', 'accelerators', '--provider', 'colab', '--json'], {env})
    assert.equal(live.status, 0, live.stdout)
    await data(['emulator', 'stop', '--all'])
    const text = await readFile(file, 'utf8')
    assert.ok(!text.includes(real.env['CGPU_TOKEN'] ?? '-'))
    assert.ok(!text.includes('me@example.com'))
    const replay = await start('--replay', file)
    const again = await cli(['runtime', 'accelerators', '--provider', 'colab', '--json'], {env: {...env, CGPU_COLAB_EMULATOR: replay.url}})
    assert.deepEqual(envelope(again).data, envelope(live).data)
  })

  describe('refuses', () => {
    it('to ask one that is not running', async () => {
      for (const args of [['status'], ['reset'], ['log'], ['scenario', 'advance', '1h'], ['scenario', 'load', 'plain']]) assertRefused(await cli(['emulator', ...args]), 66, args.join(' '))
    })
    it('a broken scenario, saying where, and starts nothing', async () => {
      await writeFile(join(home.cwd, 'bad.yaml'), 'faults: [{do: {status: 5}}]')
      const result = await cli(['emulator', 'start', '--scenario', 'bad.yaml'])
      assertRefused(result, 65)
      assert.match(result.stderr, /faults\[0\]\.do\.status/)
      assertRefused(await cli(['emulator', 'start', '--scenario', 'nowhere']), 66)
      assertRefused(await cli(['emulator', 'status']), 66)
    })
    it('a port that is taken', async () => {
      const server = createServer()
      const port = await new Promise<number>((resolve) => server.listen(0, '127.0.0.1', () => {
        const address = server.address()
        resolve(typeof address === 'object' && address !== null ? address.port : 0)
      }))
      assertRefused(await cli(['emulator', 'start', '--port', String(port)]), 72)
      server.close()
    })
    it('what makes no sense', async () => {
      assertRefused(await cli(['emulator', 'start', '--record', 'x.json']), 64)
      assertRefused(await cli(['emulator', 'start', '--name', '../up']), 64)
      assertRefused(await cli(['emulator', 'start', '--replay', 'nowhere.json']), 66)
      await start()
      assertRefused(await cli(['emulator', 'scenario', 'advance', 'soon']), 64)
      assertRefused(await cli(['emulator', 'scenario', 'account', 'me@example.com']), 64)
      assertRefused(await cli(['emulator', 'scenario', 'account', 'nobody@example.com', '--balance', '1']), 66)
      assertRefused(await cli(['emulator', 'scenario', 'reclaim', 'nowhere']), 66)
      assertRefused(await cli(['emulator', 'scenario', 'expire', 'milk']), 64)
      assertRefused(await cli(['emulator', 'start', '--foreground']), 72)
    })
  })
})
