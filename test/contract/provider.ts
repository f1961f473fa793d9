import assert from 'node:assert/strict'
import {execFileSync} from 'node:child_process'
import {readdirSync, readFileSync, statSync} from 'node:fs'
import {join} from 'node:path'
import {CgpuError} from '@cgpu/core/errors'
import type {ProviderRuntime, RuntimeEndpoint, RuntimeProvider, RuntimeSpec} from '@cgpu/core/provider'
import {JupyterServer} from '@cgpu/jupyter'

/** What the suite needs to know of a provider under test. */
export interface ProviderUnderTest {
  /** a new instance on the same state, as another command would make it */
  provider(): RuntimeProvider
  /** makes (or adds) one more runtime, ready to use */
  obtain(): Promise<ProviderRuntime>
  /** kills what serves the runtime, as a crash would */
  crash(runtime: ProviderRuntime): Promise<void>
  /** folders in which the provider or the core may have put secrets */
  folders: string[]
  /** stops and removes everything */
  stop(): Promise<void>
}

const spec: RuntimeSpec = {name: 'contract', accelerator: {kind: 'cpu'}}

/** The contract of RuntimeProvider (packages/core/src/provider.ts), to be run on every provider. */
export function describeProvider(name: string, setup: () => Promise<ProviderUnderTest>): void {
  describe(`provider contract: ${name}`, () => {
    let under: ProviderUnderTest
    let one: ProviderRuntime
    let two: ProviderRuntime

    before(async () => {
      under = await setup()
      one = await under.obtain()
      two = await under.obtain()
    })

    after(() => under.stop())

    it('gives each runtime an id of its own and says when it began', () => {
      assert.notEqual(one.id, two.id)
      for (const {id, createdAt, state} of [one, two]) {
        assert.match(id, /^[a-z0-9][a-z0-9-]{0,79}$/)
        assert.ok(Math.abs(Date.now() - Date.parse(createdAt)) < 10 * 60_000, createdAt)
        assert.equal(state, 'ready')
      }
    })

    it('lists both, newest first, each as get shows it', async () => {
      const list = await under.provider().list()
      assert.deepEqual(new Set(list.map(({id}) => id)), new Set([one.id, two.id]))
      assert.deepEqual(list.map(({createdAt}) => createdAt), list.map(({createdAt}) => createdAt).sort().toReversed())
      for (const runtime of list) assert.deepEqual(await under.provider().get(runtime.id), runtime)
    })

    it('knows its runtimes in a new instance', async () => {
      const found = await under.provider().get(one.id)
      assert.equal(found?.state, 'ready')
      assert.equal(found.endpointUrl, one.endpointUrl)
      assert.deepEqual(found.accelerator, one.accelerator)
      assert.equal(found.createdAt, one.createdAt)
    })

    it('tells no secret in what it shows of a runtime', async () => {
      const token = await tokenOf(await under.provider().connect(one.id))
      assert.ok(token)
      assert.ok(!JSON.stringify([one, await under.provider().list(), await under.provider().get(one.id)]).includes(token))
    })

    it('gives an endpoint on which a real kernel computes', async () => {
      assert.equal(await compute(await under.provider().connect(one.id), '1+1'), '2')
    })

    it('keeps two runtimes apart', async () => {
      const [first, second] = await Promise.all([one, two].map(({id}) => under.provider().connect(id)))
      assert.ok(first && second)
      assert.notEqual(first.url, second.url)
      assert.deepEqual(await Promise.all([compute(first, '6*7'), compute(second, '6*8')]), ['42', '48'])
    })

    it('gives a working folder and an agent folder that are there, where it names them', async () => {
      const endpoint = await under.provider().connect(one.id)
      for (const folder of [endpoint.workdir, endpoint.agentHome]) if (folder !== undefined) assert.ok(statSync(folder).isDirectory())
    })

    it('shows its tokens to no process and in no file that others may read', async () => {
      const tokens = await Promise.all([one, two].map(async ({id}) => tokenOf(await under.provider().connect(id))))
      const shown = commandLines()
      for (const token of tokens) {
        assert.ok(token !== undefined && token.length >= 32)
        assert.ok(!shown.includes(token), 'in an argv')
        for (const file of under.folders.flatMap(filesBelow)) {
          // a living runtime's files come and go
          if (((statSync(file, {throwIfNoEntry: false})?.mode ?? 0) & 0o077) === 0) continue
          assert.ok(!readFileSync(file).includes(token), `in ${file}`)
        }
      }
    })

    it('refuses what its capabilities say it cannot do', async () => {
      const provider = under.provider()
      const {capabilities: can} = provider
      const refused = [
        ...(can.create ? [] : [() => provider.create(spec, {})]),
        ...(can.highRam ? [] : [() => provider.create({...spec, highRam: true}, {})]),
        ...(can.image ? [] : [() => provider.create({...spec, image: 'x'}, {})]),
      ]
      for (const attempt of refused) await rejects(attempt(), 'CAPABILITY_MISSING', 64)
      assert.equal(typeof provider.add, can.add ? 'function' : 'undefined')
      assert.deepEqual([typeof provider.portEndpoint, typeof provider.sshGate], [can.ports, can.ssh].map((has) => (has ? 'function' : 'undefined')))
      const before = await provider.list()
      if (can.create && can.accelerators) {
        await rejects(provider.create({...spec, accelerator: {kind: 'gpu', model: 'no-such-model'}}, {}), 'ACCELERATOR_UNAVAILABLE', 68)
      }
      assert.equal((await provider.list()).length, before.length)
    })

    it('lists accelerators that say why when they cannot be had', async () => {
      for (const accelerator of await under.provider().accelerators()) {
        assert.ok(accelerator.id !== '' && accelerator.name !== '')
        assert.ok(accelerator.available || accelerator.reason)
      }
    })

    for (const id of ['rt-0000000000', 'no-such', '', '../..', '__proto__', 'a\u0000b', 'x'.repeat(5000)]) {
      it(`does not know ${JSON.stringify(id).slice(0, 30)}`, async () => {
        assert.equal(await under.provider().get(id), null)
        await rejects(under.provider().connect(id), 'RUNTIME_NOT_FOUND', 66)
        await under.provider().release(id)
        await assert.doesNotReject(async () => under.provider().list())
      })
    }

    it('leaves living runtimes alone when it reaps', async () => {
      await under.provider().reap?.()
      assert.equal((await under.provider().list()).length, 2)
    })

    it('shows a crashed runtime as unreachable, and releases it', async () => {
      const third = await under.obtain()
      await under.crash(third)
      assert.equal((await under.provider().get(third.id))?.state, 'unreachable')
      assert.ok((await under.provider().list()).some(({id, state}) => id === third.id && state === 'unreachable'))
      await under.provider().release(third.id)
      assert.equal(await under.provider().get(third.id), null)
    })

    it('releases once and for all, however often it is asked', async () => {
      await Promise.all([under.provider().release(one.id), under.provider().release(one.id)])
      await under.provider().release(one.id)
      assert.equal(await under.provider().get(one.id), null)
      await rejects(under.provider().connect(one.id), 'RUNTIME_NOT_FOUND', 66)
      assert.deepEqual((await under.provider().list()).map(({id}) => id), [two.id])
      assert.equal(await compute(await under.provider().connect(two.id), '3*3'), '9')
    })
  })
}

/** What lets one in: a Jupyter token, or that of the proxy in front of the machine. */
async function tokenOf({token, headers}: RuntimeEndpoint): Promise<string | undefined> {
  return token ?? (await headers?.())?.['X-Colab-Runtime-Proxy-Token']
}

/** The text of a value, computed in a fresh kernel that is shut down again. */
export async function compute(endpoint: RuntimeEndpoint, code: string): Promise<string | undefined> {
  const server = new JupyterServer(endpoint)
  try {
    const {id} = await server.startKernel()
    const kernel = await server.openKernel(id)
    let text: string | undefined
    const result = await kernel.execute(code, {
      onOutput: ({header, content}) => {
        const data = header.msg_type === 'execute_result' ? content['data'] : undefined
        if (typeof data === 'object' && data !== null && 'text/plain' in data) text = String(data['text/plain'])
      },
    })
    assert.equal(result.status, 'ok')
    await kernel.close()
    await server.shutdownKernel(id)
    return text
  } finally {
    server.close()
  }
}

/** The promise rejects with this CgpuError, which has a fix. */
export async function rejects(promise: Promise<unknown>, code: string, exit: number): Promise<CgpuError> {
  let thrown: unknown
  await promise.catch((error: unknown) => {
    thrown = error
  })
  if (!(thrown instanceof CgpuError)) throw new Error(`expected ${code}, got ${thrown instanceof Error ? thrown.stack : String(thrown)}`)
  assert.equal(thrown.code, code, thrown.message)
  assert.equal(thrown.exit, exit)
  assert.ok(thrown.fix, 'says what to do')
  return thrown
}

function commandLines(): string {
  if (process.platform !== 'linux') return execFileSync('ps', ['-axww', '-o', 'command='], {encoding: 'utf8'})
  const read = (pid: string): string => {
    try {
      return readFileSync(`/proc/${pid}/cmdline`, 'utf8')
    } catch {
      return ''
    }
  }
  return readdirSync('/proc').filter((name) => /^\d+$/.test(name)).map(read).join('\n')
}

function filesBelow(folder: string): string[] {
  const files: string[] = []
  for (const entry of readdirSync(folder, {withFileTypes: true, recursive: true})) {
    if (entry.isFile()) files.push(join(entry.parentPath, entry.name))
  }
  return files
}
