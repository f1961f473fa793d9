import assert from 'node:assert/strict'
import {existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync} from 'node:fs'
import {join} from 'node:path'
import type {ProviderRuntime, RuntimeProvider} from '@cgpu/core/provider'
import {JupyterServer} from '@cgpu/jupyter'
import {createProvider} from '@cgpu/provider-local'
import {testPython} from '../helpers/jupyter-server.ts'
import {type Sealed, sealedContext, until} from './local-context.ts'
import {processesOf} from './processes-of.ts'
import {compute, rejects} from './provider.ts'
import {makeVenv, packagesOf} from './pythons.ts'

const cpu = {name: 'x', accelerator: {kind: 'cpu'}} as const

describe('a local runtime', function () {
  this.timeout(60_000)
  let sealed: Sealed
  let provider: RuntimeProvider

  beforeEach(() => use(sealedContext()))
  afterEach(async () => {
    for (const {id} of await provider.list()) await provider.release(id)
    assert.deepEqual(processesOf(sealed.root), [], 'nothing is left running')
    sealed.remove()
  })

  function use(context: Sealed): void {
    sealed?.remove()
    sealed = context
    provider = createProvider(sealed.context)
  }
  const folder = ({id}: ProviderRuntime): string => join(sealed.context.stateDir, id)
  const leftovers = (): string[] => (existsSync(sealed.context.stateDir) ? readdirSync(sealed.context.stateDir).filter((name) => name.includes('rt-')) : [])

  /** Runs code in a kernel of its own, which stays. */
  async function kernel(runtime: ProviderRuntime, code: string): Promise<void> {
    const server = new JupyterServer(await provider.connect(runtime.id))
    const connection = await server.openKernel((await server.startKernel()).id)
    assert.equal((await connection.execute(code)).status, 'ok')
    await connection.close()
    server.close()
  }

  it('keeps its files to this user', async () => {
    const runtime = await provider.create(cpu, {})
    for (const name of ['', 'work', 'agent', 'server']) assert.equal(statSync(join(folder(runtime), name)).mode & 0o777, 0o700)
    for (const name of ['runtime.json', 'launch.json', 'server.log', 'processes.json', 'server/config.json']) {
      assert.equal(statSync(join(folder(runtime), name)).mode & 0o777, 0o600, name)
    }
    const {token} = await provider.connect(runtime.id)
    assert.ok(!readFileSync(join(folder(runtime), 'server.log'), 'utf8').includes(String(token)))
  })

  it('stops everything that it ever started when it is released', async () => {
    const runtime = await provider.create(cpu, {})
    // a busy kernel that ignores signals, and a process that left its session and ignores them too
    const stubborn = 'import signal\nfor s in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP): signal.signal(s, signal.SIG_IGN)'
    await kernel(runtime, `${stubborn}\nimport threading, time\nthreading.Thread(target=lambda: [time.sleep(0.1) for _ in range(10**6)]).start()`)
    const daemon = `${stubborn}\nimport time; open("there", "w").close(); time.sleep(600)`
    await kernel(runtime, `import subprocess, sys\nsubprocess.Popen([sys.executable, '-c', ${JSON.stringify(daemon)}], start_new_session=True)`)
    await until('the daemon runs', () => existsSync(join(folder(runtime), 'work/there')))
    assert.ok(processesOf(folder(runtime)).length >= 5)
    await provider.release(runtime.id)
    assert.deepEqual(processesOf(folder(runtime)), [])
    assert.deepEqual(leftovers(), [])
  })

  it('lets running jobs end on their own terms when it is released', async () => {
    const runtime = await provider.create(cpu, {})
    const job = `import os, signal, sys, time\ndef end(*_):\n    open(${JSON.stringify(join(sealed.root, 'ended'))}, 'w').close(); sys.exit()\nsignal.signal(signal.SIGTERM, end)\nopen('started', 'w').close()\ntime.sleep(600)`
    await kernel(runtime, `
import json, os, subprocess, sys
job = subprocess.Popen([sys.executable, '-c', ${JSON.stringify(job)}], start_new_session=True)
os.makedirs(os.environ['CGPU_AGENT_HOME'] + '/runs/one')
json.dump({'id': 'one', 'state': 'running', 'pid': job.pid, 'pgid': job.pid}, open(os.environ['CGPU_AGENT_HOME'] + '/runs/one/status.json', 'w'))`)
    await until('the job runs', () => existsSync(join(folder(runtime), 'work/started')))
    await provider.release(runtime.id)
    assert.ok(existsSync(join(sealed.root, 'ended')))
  })

  it('is released also when its supervisor hangs', async () => {
    const runtime = await provider.create(cpu, {})
    const {supervisor} = JSON.parse(readFileSync(join(folder(runtime), 'processes.json'), 'utf8')) as {supervisor: {pid: number}}
    process.kill(supervisor.pid, 'SIGSTOP')
    await provider.release(runtime.id)
    assert.deepEqual(processesOf(folder(runtime)), [])
  })

  for (const [what, text] of [['empty', ''], ['half', '{"version": 1, "id'], ['of wrong types', '{"id": 7, "port": "x"}'], ['an array', '[]'], ['binary', '\u0000\u0001']] as const) {
    it(`is shown as unreachable and can be released when its record is ${what}`, async () => {
      const runtime = await provider.create(cpu, {})
      writeFileSync(join(folder(runtime), 'runtime.json'), text)
      assert.equal((await provider.get(runtime.id))?.state, 'unreachable')
      assert.equal((await provider.list()).length, 1)
      await rejects(provider.connect(runtime.id), 'RUNTIME_UNREACHABLE', 69)
      await provider.release(runtime.id)
      assert.equal(await provider.get(runtime.id), null)
    })
  }

  it('leaves nothing when its making is aborted', async () => {
    const abort = new AbortController()
    const making = provider.create(cpu, {signal: abort.signal, onProgress: ({message}) => {
      if (message.startsWith('starting')) void until('it is under way', () => leftovers().some((id) => existsSync(join(sealed.context.stateDir, id, 'server.log')))).then(() => abort.abort(new Error('enough')))
    }})
    await assert.rejects(making, /enough/)
    assert.deepEqual(leftovers(), [])
    await assert.rejects(provider.create(cpu, {signal: AbortSignal.abort(new Error('before'))}), /before/)
    assert.deepEqual(leftovers(), [])
  })

  it('reads none of the user\'s Jupyter and IPython settings, but finds their kernels', async () => {
    const home = join(sealed.root, 'home')
    const trap = join(sealed.root, 'trap')
    const kernels = join(home, '.local/share/jupyter/kernels')
    for (const [path, text] of [
      [join(home, '.jupyter/jupyter_server_config.py'), `open(${JSON.stringify(trap)}, 'w'); c.ServerApp.base_url = '/trap/'`],
      [join(home, '.jupyter/jupyter_config.py'), `open(${JSON.stringify(trap)}, 'w')`],
      [join(home, '.ipython/profile_default/startup/00.py'), `open(${JSON.stringify(trap)}, 'w')`],
      [join(kernels, 'mine/kernel.json'), JSON.stringify({argv: [testPython, '-m', 'ipykernel_launcher', '-f', '{connection_file}'], display_name: 'Mine', language: 'python'})],
      [join(kernels, 'python3/kernel.json'), JSON.stringify({argv: ['/bin/false'], display_name: 'Broken', language: 'python'})],
    ] as const) {
      mkdirSync(join(path, '..'), {recursive: true})
      writeFileSync(path, text)
    }
    const {HOME: _, XDG_DATA_HOME: __, ...env} = sealed.context.env
    provider = createProvider({...sealed.context, env: {...env, HOME: home, JUPYTER_TOKEN: 'trap', JUPYTER_CONFIG_DIR: join(home, '.jupyter')}})
    const runtime = await provider.create(cpu, {})
    const endpoint = await provider.connect(runtime.id)
    assert.equal(await compute(endpoint, 'import sys; sys.executable'), `'${testPython}'`)
    const server = new JupyterServer(endpoint)
    assert.ok((await server.kernelSpecs()).specs.some(({name}) => name === 'mine'))
    server.close()
    assert.ok(!existsSync(trap))
  })

  it('gives kernels the user\'s environment without cgpu\'s own settings, in the working folder', async () => {
    use(sealedContext({env: {MINE: 'yes', CGPU_GPU: 't4', CGPU_DATA_DIR: '/x', JUPYTERHUB_API_TOKEN: 'secret'}}))
    const runtime = await provider.create(cpu, {})
    const endpoint = await provider.connect(runtime.id)
    // a file there is no module of the server's or the kernel's
    writeFileSync(join(String(endpoint.workdir), 'json.py'), 'raise SystemExit("not this one")')
    const seen = await compute(endpoint, `
import os
[os.getcwd(), os.environ.get('MINE'), sorted(k for k in os.environ if k.startswith('CGPU_')), os.environ.get('JUPYTERHUB_API_TOKEN'), os.environ['CGPU_AGENT_HOME'], os.environ['PATH'].split(':')[0]]`)
    const bin = join(testPython, '..')
    assert.equal(seen?.replaceAll(/\s+/g, ' '), `['${endpoint.workdir}', 'yes', ['CGPU_AGENT_HOME'], None, '${endpoint.agentHome}', '${bin}']`)
  })

  it('gives kernels ports that no connection gets before them', async () => {
    const runtime = await provider.create(cpu, {})
    const ports = await compute(await provider.connect(runtime.id), `
import ipykernel.connect, json
[port for name, port in json.loads(ipykernel.connect.get_connection_info()).items() if name.endswith('_port')]`)
    const all = JSON.parse(ports ?? '[]') as number[] // of the kernel
    assert.equal(new Set(all).size, 5)
    assert.ok(all.every((port) => port >= 15_000 && port < 32_768), ports)
  })

  it('says what the server said when it does not start', async () => {
    const python = makeVenv(join(sealed.root, 'broken'), true)
    writeFileSync(join(packagesOf(join(sealed.root, 'broken')), 'sitecustomize.py'), 'import sys\nif "serve" in sys.argv: sys.stderr.write("boom\\n"); sys.stderr.flush(); import os; os._exit(3)')
    provider = createProvider({...sealed.context, setting: () => python})
    const error = await rejects(provider.create(cpu, {}), 'SERVER_START_FAILED', 69)
    assert.match(error.message, /status 3 \(boom\)/)
    assert.deepEqual(leftovers(), [])
    assert.match(readFileSync(join(sealed.context.stateDir, 'last-failure.log'), 'utf8'), /boom/)
  })

  it('takes another Python when the remembered one has lost its Jupyter', async () => {
    const venv = join(sealed.root, 'project/.venv')
    makeVenv(venv, true)
    makeVenv(join(sealed.root, 'active'), true)
    const context = {...sealed.context, setting: () => undefined, env: {...sealed.context.env, VIRTUAL_ENV: join(sealed.root, 'active')}}
    provider = createProvider(context)
    const first = await provider.create(cpu, {})
    assert.equal(first.details?.['python'], join(venv, 'bin/python'))
    rmSync(join(packagesOf(venv), 'jupyter.pth'))
    const second = await provider.create(cpu, {})
    assert.equal(second.details?.['python'], join(sealed.root, 'active/bin/python'))
  })

  it('says so when its folder cannot be made', async () => {
    writeFileSync(join(sealed.root, 'file'), '')
    const blocked = createProvider({...sealed.context, stateDir: join(sealed.root, 'file/state')})
    await rejects(blocked.create(cpu, {}), 'CANNOT_WRITE', 73)
    assert.deepEqual(await blocked.list(), [])
  })
})
