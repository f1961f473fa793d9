import assert from 'node:assert/strict'
import {type ChildProcess, spawn} from 'node:child_process'
import {once} from 'node:events'
import {existsSync, mkdirSync, readdirSync, readFileSync, utimesSync, writeFileSync} from 'node:fs'
import {join} from 'node:path'
import {fileURLToPath} from 'node:url'
import {AgentClient} from '@cgpu/core/agent/client'
import type {RuntimeEndpoint, RuntimeProvider} from '@cgpu/core/provider'
import {isAlive} from '@cgpu/core/state/process'
import {JupyterServer} from '@cgpu/jupyter'
import {createProvider} from '@cgpu/provider-local'
import {testPython} from '../helpers/jupyter-server.ts'
import {type Sealed, sealedContext, until} from './local-context.ts'
import {processesOf} from './processes-of.ts'
import {compute, rejects} from './provider.ts'

const graceSeconds = 0.5

describe('a local runtime whose owner is gone', function () {
  this.timeout(60_000)
  let sealed: Sealed
  let provider: RuntimeProvider
  const owners: ChildProcess[] = []

  beforeEach(() => {
    sealed = sealedContext({env: {CGPU_LOCAL_GRACE_S: String(graceSeconds)}})
    provider = createProvider(sealed.context)
  })
  afterEach(async () => {
    await Promise.all(owners.splice(0).filter(({exitCode, signalCode}) => exitCode === null && signalCode === null).map(kill))
    for (const {id} of await provider.list()) await provider.release(id)
    assert.deepEqual(processesOf(sealed.root), [], 'nothing is left running')
    sealed.remove()
  })

  const folder = (id: string): string => join(sealed.context.stateDir, id)
  const processes = (id: string) =>
    JSON.parse(readFileSync(join(folder(id), 'processes.json'), 'utf8')) as {supervisor: {pid: number}; server: {pid: number}}

  function spawnOwner(): ChildProcess {
    const owner = spawn(
      process.execPath,
      ['--conditions=cgpu-source', fileURLToPath(new URL('owner.ts', import.meta.url)), sealed.context.stateDir, testPython, 'wait'],
      {env: sealed.context.env, stdio: ['ignore', 'pipe', 'inherit']},
    )
    owners.push(owner)
    return owner
  }

  async function kill(owner: ChildProcess): Promise<void> {
    owner.kill('SIGKILL')
    await once(owner, 'exit')
  }

  /** A finished runtime of another process. */
  async function owned(): Promise<{id: string; owner: ChildProcess}> {
    const owner = spawnOwner()
    const [said] = (await once(owner.stdout ?? assert.fail('no stdout'), 'data')) as [Buffer]
    return {id: said.toString().trim(), owner}
  }

  /** A process that was killed takes its time to end where others have the processors. */
  const ended = (pid: number) => until(`${pid} has ended`, async () => !(await isAlive(pid)))

  const gone = (id: string) => until(`${id} is gone`, async () => (await provider.get(id)) === null && processesOf(folder(id)).length === 0)

  it('is stopped and removed, with its kernels', async () => {
    const {id, owner} = await owned()
    const kernels = await startKernel(await provider.connect(id), 'import time\nwhile True: time.sleep(0.1)')
    assert.ok(processesOf(folder(id)).length >= 3, 'supervisor, server, kernel')
    await kill(owner)
    await gone(id)
    kernels.close()
  })

  it('is stopped at once when it was not yet finished', async () => {
    const owner = spawnOwner()
    await until('it has begun', () => existsSync(sealed.context.stateDir) && readdirSync(sealed.context.stateDir).some((name) => existsSync(join(folder(name), 'processes.json'))))
    const [id = ''] = readdirSync(sealed.context.stateDir).filter((name) => name.startsWith('rt-'))
    await kill(owner)
    await gone(id)
  })

  it('stays once it is kept', async () => {
    const {id, owner} = await owned()
    await provider.keep?.(id)
    await kill(owner)
    const kept = JSON.parse(readFileSync(join(folder(id), 'lease.json'), 'utf8')) as unknown
    assert.deepEqual(kept, {owner: null})
    await ticks(id, 3)
    assert.equal((await provider.get(id))?.state, 'ready')
    assert.deepEqual(await provider.reap?.(), [])
    assert.equal(await compute(await provider.connect(id), '40+2'), '42')
  })

  it('is either kept or gone when it is kept in the last moment', async () => {
    const {id, owner} = await owned()
    await kill(owner)
    await until('its end has come', () => existsSync(join(folder(id), 'closing')) || !existsSync(folder(id)), 20_000)
    await rejects(provider.keep?.(id) ?? assert.fail(), 'RUNTIME_NOT_FOUND', 66)
    await gone(id)
  })

  it('lets a running job finish', async () => {
    const {id, owner} = await owned()
    const run = join(folder(id), 'agent/runs/one')
    mkdirSync(run, {recursive: true})
    const heartbeat = join(run, 'heartbeat')
    writeFileSync(heartbeat, '')
    writeFileSync(join(run, 'status.json'), JSON.stringify({id: 'one', state: 'running', pid: 1, pgid: 1}))
    await kill(owner)
    await ticks(id, 3)
    assert.ok(await provider.get(id), 'the job still runs')
    // its supervisor was killed: a heartbeat that stopped is no running job
    utimesSync(heartbeat, new Date(0), new Date(Date.now() - 60_000))
    await gone(id)
  })

  it('lets a job of the real agent finish, whose control kernel nobody is left to use', async () => {
    const {id, owner} = await owned()
    const endpoint = await provider.connect(id)
    const server = new JupyterServer(endpoint)
    const {kernel: control} = await server.ensureSession({path: 'cgpu-control', name: 'control', type: 'console'})
    const connection = await server.openKernel(control.id)
    const agent = await AgentClient.open(connection, {home: endpoint.agentHome ?? assert.fail('no agent folder')})
    const done = join(sealed.root, 'done')
    const go = join(sealed.root, 'go')
    await agent.start({run: 'job-1', argv: [testPython, '-c', `import os, time\nwhile not os.path.exists(${JSON.stringify(go)}): time.sleep(0.05)\nopen(${JSON.stringify(done)}, 'w').close()`]})
    await agent.close()
    await connection.close()
    server.close()
    await kill(owner)
    await ticks(id, 3)
    assert.ok(await provider.get(id), 'the job still runs')
    writeFileSync(go, '')
    await gone(id)
    assert.ok(existsSync(done))
  })

  it('is told from another process that got its owner\'s pid', async () => {
    const {id, owner} = await owned()
    writeFileSync(join(folder(id), 'lease.json'), JSON.stringify({owner: {pid: process.pid, startTime: '1'}}))
    await gone(id)
    await kill(owner)
  })

  it('is reaped when its supervisor was killed too', async () => {
    const {id, owner} = await owned()
    const {supervisor} = processes(id)
    process.kill(supervisor.pid, 'SIGKILL')
    await kill(owner)
    await ended(supervisor.pid)
    const reaped = await createProvider(sealed.context).reap?.()
    assert.deepEqual(reaped, [{id, reason: 'its owner and its supervisor are gone'}])
    assert.equal(await provider.get(id), null)
  })

  it('is reaped when all of it is dead, also if it was kept', async () => {
    const {id, owner} = await owned()
    await provider.keep?.(id)
    await kill(owner)
    const {server, supervisor} = processes(id)
    for (const {pid} of [supervisor, server]) process.kill(pid, 'SIGKILL')
    await ended(supervisor.pid)
    await until('the server is gone', async () => (await provider.get(id))?.state === 'unreachable')
    await rejects(provider.connect(id), 'RUNTIME_UNREACHABLE', 69)
    assert.deepEqual(await provider.reap?.(), [{id, reason: 'its server is gone'}])
    assert.equal(await provider.get(id), null)
  })

  it('is usable and can be released when only its supervisor was killed', async () => {
    const {id} = await owned()
    await provider.keep?.(id)
    const {supervisor} = processes(id)
    process.kill(supervisor.pid, 'SIGKILL')
    await ended(supervisor.pid)
    assert.deepEqual(await provider.reap?.(), [])
    assert.equal(await compute(await provider.connect(id), '1+2'), '3')
    await provider.release(id)
    assert.deepEqual(processesOf(folder(id)), [])
  })

  it('is reaped as a folder that was only begun', async () => {
    mkdirSync(folder('rt-00000000aa'), {recursive: true})
    writeFileSync(join(folder('rt-00000000aa'), 'lease.json'), JSON.stringify({owner: {pid: 2 ** 22 - 1, startTime: '1'}}))
    mkdirSync(join(sealed.context.stateDir, '.gone-rt-00000000bb-1'))
    assert.deepEqual(await provider.reap?.(), [{id: 'rt-00000000aa', reason: 'its creator was killed before it was ready'}])
    assert.deepEqual(readdirSync(sealed.context.stateDir).filter((name) => name.includes('rt-')), [])
  })

  /** The supervisor has looked this often since: it wakes every second, and a grace lies between. */
  async function ticks(id: string, count: number): Promise<void> {
    const {supervisor} = processes(id)
    const wakes = (): number => Number(/voluntary_ctxt_switches:\s*(\d+)/.exec(readFileSync(`/proc/${supervisor.pid}/status`, 'utf8'))?.[1])
    const before = wakes()
    await until('the supervisor has looked', () => wakes() >= before + count)
  }
})

/** A kernel at work: its socket is closed by the returned function. */
async function startKernel(endpoint: RuntimeEndpoint, code: string): Promise<{close(): void}> {
  const server = new JupyterServer(endpoint)
  const kernel = await server.openKernel((await server.startKernel()).id)
  // never ends: the runtime goes under it
  kernel.execute(code).catch(() => undefined)
  return {
    close: () => {
      void kernel.close().catch(() => undefined)
      server.close()
    },
  }
}
