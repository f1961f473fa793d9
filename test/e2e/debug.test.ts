import assert from 'node:assert/strict'
import {chmod, mkdir, readdir, readFile, stat, writeFile} from 'node:fs/promises'
import {createServer} from 'node:http'
import type {AddressInfo} from 'node:net'
import {join} from 'node:path'
import {JobStore} from '@cgpu/core/job/store'
import {cgpu, type CliOptions, type CliResult, envelope, sealedHome, type SealedHome} from '../helpers/cli.ts'
import {assertRefused} from '../helpers/workbench.ts'
import {Terminal} from '../helpers/terminal.ts'

interface Log {id: string; time: string; command: string; exitStatus: number; bytes: number; path: string; text?: string}
const titles = ['versions', 'checks', 'settings', 'plugins', 'runtimes', 'jobs', 'history', 'debug logs', 'daemon log', 'state folder', 'environment']

describe('debug logs', function () {
  this.timeout(60_000)
  let home: SealedHome
  beforeEach(async () => {
    home = await sealedHome()
    Object.assign(home.env, {CGPU_PYTHON: join(home.path, 'none')}) // looking for a Python takes long
  })
  afterEach(() => home.remove())

  const run = (args: string[], options: Partial<CliOptions> = {}): Promise<CliResult> => cgpu(args, {home, ...options})
  const names = (): Promise<string[]> => readdir(join(home.dataDir, 'state/debug')).catch(() => [])

  it('are left by a command that fails, and shown', async () => {
    assertRefused(await run(['runtime', 'show', 'nobody']), 66)
    const shown = await run(['debug', 'log'])
    assert.equal(shown.status, 0, shown.stderr)
    for (const line of [/^command: cgpu runtime show nobody$/m, /^exit: 66$/m, /^node: \d/m, /^error: NOT_FOUND /m, /^\s+at /m, /^traces: \d+$/m]) assert.match(shown.stdout, line)
    const [log, ...more] = envelope<Log[]>(await run(['debug', 'log', '--list', '--json'])).data
    assert.deepEqual([log?.command, log?.exitStatus, more.length], ['cgpu runtime show nobody', 66, 0])
    assert.match((await run(['debug', 'log', '--list'])).stdout, /^time +exit +bytes +command\n\S+Z +66 +\d+ +cgpu runtime show nobody\n$/)
    assert.match((await run(['doctor'])).stdout, /debug logs +one of \S+Z \(exit status 66\): see cgpu debug log/)
    if (process.platform === 'win32') return
    assert.equal((await stat(log?.path ?? '')).mode & 0o777, 0o600)
    assert.equal((await stat(join(home.dataDir, 'state/debug'))).mode & 0o777, 0o700)
  })

  it('are left by the long way and by commands of others, too', async () => {
    await run(['runtime', 'show', 'nobody'], {env: {CGPU_NO_FASTPATH: '1'}})
    assert.equal((await run(['which', '--nonsense'])).status, 64)
    const logs = envelope<Log[]>(await run(['debug', 'log', '--last', '5', '--json'])).data
    assert.deepEqual(logs.map(({command, exitStatus}) => [command, exitStatus]), [['cgpu which', 64], ['cgpu runtime show nobody', 66]])
  })

  it('are left by nothing that went well, a mistyped command, or themselves', async () => {
    await Promise.all([['ps'], ['config', 'list'], ['runtme', 'list'], ['debug', 'log'], ['debug', 'log', '--nope']].map((args) => run(args)))
    assert.deepEqual(await names(), [])
  })

  it('are left by --verbose', async () => {
    assert.equal((await run(['config', 'list', '--verbose'])).status, 0)
    const {stdout} = await run(['debug', 'log'])
    assert.match(stdout, /^command: cgpu config list --verbose$/m)
    assert.match(stdout, /^exit: 0$/m)
    assert.doesNotMatch(stdout, /^error: /m)
  })

  it('are left by a crash', async () => {
    // as soon as cgpu listens for it
    const crash = `process.on('newListener', (name) => name === 'uncaughtException' && setImmediate(() => { throw new Error('boom') }))`
    for (const env of [{}, {CGPU_NO_FASTPATH: '1'}]) {
      const crashed = await run(['config', 'list', '--origin'], {env, nodeArgs: ['--import', `data:text/javascript,${encodeURIComponent(crash)}`]})
      assert.equal(crashed.status, 70, crashed.stderr)
      assert.match(crashed.stderr, /^error: a bug in cgpu: boom$/m)
    }
    const logs = envelope<Log[]>(await run(['debug', 'log', '--last', '5', '--json'])).data
    assert.deepEqual(logs.map(({exitStatus}) => exitStatus), [70, 70])
    for (const {text} of logs) for (const line of [/^program: config list --origin$/m, /^cgpu: \d/m, /^caused by Error: boom$/m]) assert.match(text ?? '', line)
  })

  it('keep code and programs apart', async () => {
    await run(['exec', '--timeout', '5s', 'print("the code")'])
    await run(['run', '-e', 'A=hidden', 'train.py', '--epochs', '3'])
    const [second, first] = envelope<Log[]>(await run(['debug', 'log', '--last', '2', '--json'])).data
    assert.deepEqual([first?.command, second?.command], ['cgpu exec --timeout 5s', 'cgpu run -e "A=[redacted]"'])
    assert.match(second?.text ?? '', /^program: train.py --epochs 3$/m)
    const [bundle, whole] = await Promise.all([[], ['--include-code']].map(async (more) => (await run(['support-bundle', '-o', '-', ...more])).stdout))
    assert.doesNotMatch(bundle ?? '', /the code|train\.py --epochs/)
    assert.match(whole ?? '', /train\.py --epochs[^]*the code/)
  })

  it('say that there are none', async () => {
    for (const args of [['debug', 'log'], ['debug', 'log', '--list']]) {
      const result = await run(args)
      assertRefused(result, 66)
      assert.match(result.stderr, /no command has left a debug log/)
    }
    assert.equal(envelope(await run(['debug', 'log', '--json'])).error.code, 'NO_DEBUG_LOG')
  })

  it('that cannot be written change nothing', async () => {
    const usual = await run(['runtime', 'show', 'nobody'])
    await mkdir(join(home.path, 'other/state'), {recursive: true})
    // a file in its place refuses also where the tests run as root
    await writeFile(join(home.path, 'other/state/debug'), '')
    await chmod(join(home.path, 'other/state'), 0o500)
    const refused = await run(['runtime', 'show', 'nobody'], {env: {CGPU_DATA_DIR: join(home.path, 'other')}})
    assert.deepEqual({...refused, bytes: null}, {...usual, bytes: null})
    await chmod(join(home.path, 'other/state'), 0o700)
  })
})

describe('a support bundle', function () {
  this.timeout(60_000)
  let home: SealedHome
  beforeEach(async () => {
    home = await sealedHome()
    Object.assign(home.env, {CGPU_PYTHON: join(home.path, 'none')}) // as above
  })
  afterEach(() => home.remove())

  const run = (args: string[], options: Partial<CliOptions> = {}): Promise<CliResult> => cgpu(args, {home, ...options})

  it('has its sections, and is saved for its owner only', async () => {
    const state = join(home.dataDir, 'state')
    await mkdir(join(state, 'history'), {recursive: true})
    await mkdir(join(state, 'daemon'))
    const begin = {id: 'e1', at: '2026-01-01T00:00:00.000Z', t: 'begin', kind: 'exec', runtime: {id: 'r', name: 'trainer', provider: 'local'}, command: {code: 'the_code()'}, cwd: '/data/secret-project'}
    const end = {id: 'e1', at: '2026-01-01T00:00:01.000Z', t: 'end', status: 'error', exitStatus: 1, code: 'CODE_FAILED', message: 'the message', tail: {stdout: 'the output'}, traceback: 'the traceback'}
    await writeFile(join(state, 'history/history.jsonl'), `${JSON.stringify(begin)}\n${JSON.stringify(end)}\n{"torn`)
    await writeFile(join(state, 'daemon/daemon.log'), 'listening\n')
    const {path, bytes, sections} = envelope<{path: string; bytes: number; sections: string[]}>(await run(['support-bundle', '--yes', '--json'])).data
    assert.match(path, /cgpu-support-\d{4}-\d\d-\d\d\.txt$/)
    const text = await readFile(path, 'utf8')
    assert.deepEqual(sections, titles)
    assert.deepEqual([...text.matchAll(/^## (.*)$/gm)].map(([, title]) => title), titles)
    assert.equal(bytes, Buffer.byteLength(text))
    if (process.platform !== 'win32') assert.equal((await stat(path)).mode & 0o777, 0o600)
    const entry = '{"id":"e1","kind":"exec","startedAt":"2026-01-01T00:00:00.000Z","runtime":"trainer","provider":"local","status":"error","exitStatus":1,"endedAt":"2026-01-01T00:00:01.000Z","error":"CODE_FAILED"}'
    for (const line of [entry, '\nlistening\n', '\nprovider = local  (default)\n', 'history/history.jsonl\n', '@cgpu/plugin-emulator', '\nCGPU_CONFIG_DIR\n', 'data ~/data\n']) assert.ok(text.includes(line), `${line} is not in\n${text}`)
    for (const hidden of ['the_code', 'the message', 'the output', 'the traceback', 'secret-project', home.path]) assert.ok(!text.includes(hidden), hidden)
    const whole = (await run(['support-bundle', '-o', '-', '--include-code'])).stdout
    for (const shown of ['the_code', 'the message', 'secret-project']) assert.ok(whole.includes(shown), shown)
    for (const hidden of ['the output', 'the traceback']) assert.ok(!whole.includes(hidden), hidden)
  })

  it('keeps of command lines what the history would keep, in every section', async () => {
    const secret = 'hunter2SECRETzz91'
    await new JobStore(join(home.dataDir, 'state')).put({
      id: 'j1', createdAt: '2026-01-01T00:00:00.000Z', runtime: {id: 'r', name: 'trainer', provider: 'local'}, releases: false, detached: true, fingerprint: 'j1', outputDir: '/w',
      spec: {provider: 'local', settings: {}}, request: {cwd: '/w', command: ['python', '-c', `login("--password ${secret}")`, '--password', secret], include: [], packages: [], outputs: [], envNames: [], secretNames: []},
    })
    await mkdir(join(home.dataDir, 'state', 'daemon'))
    await writeFile(join(home.dataDir, 'state', 'daemon', 'daemon.log'), `it ran sh -c "train --api-key ${secret}"\n`)
    await run(['run', 'nothing.py', `train --password ${secret}`])
    const {stdout} = await run(['support-bundle', '-o', '-', '--include-code'])
    assert.match(stdout, /command=\["python","-c"[^\n]*"--password","\[redacted\]"\]/)
    assert.match(stdout, /^program: nothing\.py "train --password \[redacted\]/m)
    assert.match(stdout, /--api-key \[redacted\]/)
    assert.ok(!stdout.includes(secret), stdout)
  })

  it('is not saved where it cannot be shown, nor over a file', async () => {
    assertRefused(await run(['support-bundle']), 64)
    assert.equal(envelope(await run(['support-bundle', '--json'])).error.code, 'CONFIRMATION_NEEDED')
    await writeFile(join(home.cwd, 'mine.txt'), 'mine')
    const refused = await run(['support-bundle', '-o', 'mine.txt'])
    assertRefused(refused, 73)
    assert.match(refused.stderr, /mine\.txt exists/)
    assert.equal(await readFile(join(home.cwd, 'mine.txt'), 'utf8'), 'mine')
    assert.deepEqual(await readdir(home.cwd), ['mine.txt'])
    assert.equal((await run(['support-bundle', '-o', 'mine.txt', '--yes'])).status, 0)
    assert.match(await readFile(join(home.cwd, 'mine.txt'), 'utf8'), /^# cgpu support bundle\n/)
  })

  it('is printed and not saved with -o -', async () => {
    const {status, stdout, stderr} = await run(['support-bundle', '-o', '-'])
    assert.deepEqual([status, stderr], [0, ''])
    assert.match(stdout, /^# cgpu support bundle\n/)
    const {path, text} = envelope<{path: null; text: string}>(await run(['support-bundle', '-o', '-', '--json'])).data
    assert.equal(path, null)
    assert.match(text, /^# cgpu support bundle\n/)
    assert.deepEqual(await readdir(home.cwd), [])
  })

  it('is shown on a terminal before it is asked about', async () => {
    for (const [answer, status, files] of [['n', 130, []], ['y', 0, ['bundle.txt']]] as const) {
      const terminal = new Terminal(['support-bundle', '-o', 'bundle.txt'], {home})
      await terminal.shows(/## environment[^]*save this to \S+bundle\.txt\? \[y\/N\] /)
      terminal.type(`${answer}\r`)
      assert.equal((await terminal.exit).exitCode, status, terminal.output)
      assert.deepEqual(await readdir(home.cwd), files)
    }
  })

  it('has no secret, and neither has a debug log', async () => {
    const canary = {token: 'tok3n-canary-of-a-server', secret: 'canary secret of a run', env: 'plain-canary-of-the-environment', url: 'p4ss-canary', query: 'query-canary', account: 'someone.canary@example.com'}
    const env = {CGPU_TOKEN: canary.env, HTTPS_PROXY: `http://me:${canary.url}@127.0.0.1:9`, CGPU_ACCOUNT: canary.account}
    // a server that repeats what it was sent
    const server = createServer((request, response) => {
      const known = request.url === '/api' ? {version: '2.17.0'} : request.url === '/api/status' ? {connections: 0, kernels: 0, last_activity: '2026-01-01T00:00:00Z', started: '2026-01-01T00:00:00Z'} : undefined
      response.writeHead(known ? 200 : 500, {'content-type': 'application/json'}).end(JSON.stringify(known ?? {message: `it refuses ${request.headers.authorization}`}))
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const {port} = server.address() as AddressInfo // it listens on a port
    try {
      const added = await run(['runtime', 'add', `http://127.0.0.1:${port}/`, '--token-stdin', '--name', 'echo', '-v'], {input: canary.token})
      assert.equal(added.status, 0, added.stderr)
      const failed = await run(['exec', '-r', 'echo', '1'])
      assert.ok((failed.status ?? 0) >= 64, failed.stderr)
    } finally {
      server.close()
    }
    // nobody listens at port 9, and the proxy is not there either
    for (const address of ['http://127.0.0.1:9/', `http://me:${canary.url}@127.0.0.1:9/?token=${canary.query}`, `https://lab.example.com/?token=${canary.query}`]) {
      const added = await run(['runtime', 'add', address, '--token-stdin', '--name', 'lab', '--verbose'], {input: canary.token, env})
      assert.ok((added.status ?? 0) >= 64, added.stderr)
    }
    const kept = await run(['secret', 'set', 'HF_TOKEN', '--verbose'], {input: canary.secret, env: {CGPU_TOKEN: canary.env}})
    assert.equal(kept.status, 0, kept.stderr)
    await run(['exec', '--secret', 'HF_TOKEN', '--verbose', `login("${canary.env}")`], {env: {CGPU_TOKEN: canary.env}})
    await run(['run', '-e', `X=${canary.query}`, 'nothing.py', `--password=${canary.query}`], {env})
    const logs = envelope<Log[]>(await run(['debug', 'log', '--last', '20', '--json'])).data
    assert.equal(logs.length, 8)
    assert.match(logs.at(-2)?.text ?? '', /it refuses|api\/kernels 500/)
    const bundle = (await run(['support-bundle', '-o', '-', '--include-code'], {env})).stdout
    for (const text of [...logs.map((log) => log.text ?? ''), bundle]) assert.doesNotMatch(text.replaceAll(canary.account, text === bundle ? canary.account : ''), /canary/)
    assert.match(bundle, /^CGPU_TOKEN\nHTTPS_PROXY$/m)
  })
})
