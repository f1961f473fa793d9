import assert from 'node:assert/strict'
import {mkdtempSync, realpathSync, rmSync, statSync} from 'node:fs'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {FileSecretStore} from '@cgpu/core'
import type {AccountAccess} from '@cgpu/core/account'
import type {ProviderContext, RuntimeEndpoint} from '@cgpu/core/provider'
import {realEffects} from '../../packages/provider-colab/src/effects.ts'
import {ColabProvider} from '../../packages/provider-colab/src/provider.ts'
import {startControl, type TestControl} from '../helpers/control-plane.ts'
import {rejects} from './provider.ts'

const me = 'google:me@example.com'
const cpu = {name: 'x', accelerator: {kind: 'cpu'}} as const
const gpu = (model?: string) => ({name: 'x', accelerator: {kind: 'gpu', ...(model === undefined ? {} : {model})}}) as const

for (const dialect of ['private', 'public']) {
  describe(`Colab's control plane, emulated, by the ${dialect} interface`, () => {
    let control: TestControl
    let root: string
    let current: string
    let lines: string[]
    let offset: number

    beforeEach(async () => {
      control = await startControl()
      root = realpathSync(mkdtempSync(join(tmpdir(), 'cgpu-colab-')))
      current = me
      lines = []
      offset = 0
    })
    afterEach(async () => {
      await control.stop()
      rmSync(root, {recursive: true, force: true})
    })

    const accounts: AccountAccess = {
      current: async () => ({id: current, kind: 'oauth', email: emailOf(current), scopes: []}),
      list: async () => [],
      token: async ({account = current} = {}) => control.world.standingToken(emailOf(account)),
    }
    const provider = (): ColabProvider => {
      const settings: Record<string, string> = {'colab-emulator': control.url, 'colab-dialect': dialect}
      const context: ProviderContext = {
        stateDir: join(root, 'state'), secrets: new FileSecretStore(join(root, 'config')), accounts, setting: (key) => settings[key],
        env: {}, cwd: root, trace: (line) => lines.push(line),
      }
      return new ColabProvider(context, {...realEffects, uptime: () => realEffects.uptime() + offset, wall: () => Date.now() + offset, sleep: () => Promise.resolve()})
    }
    const fleet = (): string[] => control.world.fleet.list().map(({endpoint}) => endpoint)
    /** requests of `work` to the control plane */
    const requestsOf = async (work: () => Promise<unknown>): Promise<string[]> => {
      lines.length = 0
      await work()
      return lines.filter((line) => line.includes(new URL(control.url).host)).map((line) => line.split(' ').slice(0, 2).join(' ').replace(new URL(control.url).host, ''))
    }
    const token = async (endpoint: RuntimeEndpoint | {headers?: RuntimeEndpoint['headers']}): Promise<string> =>
      (await endpoint.headers?.())?.['X-Colab-Runtime-Proxy-Token'] ?? assert.fail('no token')

    it('makes, lists, keeps and releases machines', async () => {
      const one = await provider().create(cpu, {})
      const two = await provider().create({...gpu('l4'), highRam: true, image: '2025.10'}, {})
      assert.deepEqual(fleet(), [one.id, two.id])
      assert.deepEqual([two.accelerator.id, two.accelerator.kind], ['l4', 'gpu'])
      const list = await provider().list()
      assert.deepEqual(list.map(({id}) => id), [two.id, one.id])
      for (const runtime of list) assert.deepEqual(await provider().get(runtime.id), runtime)
      assert.equal(list[0]?.details?.['image'], '2025.10')
      await provider().keep(one.id)
      await Promise.all([provider().release(one.id), provider().release(one.id)])
      assert.deepEqual(fleet(), [two.id])
      assert.equal(await provider().get(one.id), null)
      await provider().release(two.id)
      assert.deepEqual(await provider().list(), [])
    })

    it('costs one request for a list; get and connect together the same', async () => {
      const {id} = await provider().create(cpu, {})
      const forOne = dialect === 'private' ? ['GET /v1/assignments'] : ['GET /v1/assignments', 'GET /v1beta/runtimes']
      assert.deepEqual((await requestsOf(() => provider().list())).sort(), forOne)
      const warm = await requestsOf(async () => {
        const again = provider()
        await again.get(id)
        await again.connect(id)
      })
      assert.deepEqual(warm.sort(), forOne)
      assert.deepEqual(await requestsOf(() => provider().connect(id)), [])
    })

    it('keeps its tokens where only their owner can read them', async () => {
      const {id} = await provider().create(cpu, {})
      await provider().connect(id)
      const [host] = [new URL(control.url).host.replace(':', '-')]
      const folder = join(root, 'state', host)
      assert.equal(statSync(join(folder, 'proxy-tokens.json')).mode & 0o777, 0o600)
      assert.equal(statSync(folder).mode & 0o777, 0o700)
    })

    it('replaces a proxy token ahead of its end, once for all who use it', async () => {
      const {id} = await provider().create(cpu, {})
      const endpoints = await Promise.all([provider().connect(id), provider().connect(id)])
      const first = await token(endpoints[0])
      // the public interface gives the same token until it ends
      offset = (dialect === 'public' ? 61 : 56) * 60_000
      await control.world.clock.advance(offset)
      const asked = await requestsOf(async () => {
        const seconds = await Promise.all(endpoints.map(token))
        assert.equal(new Set(seconds).size, 1)
        assert.notEqual(seconds[0], first)
      })
      assert.equal(asked.length, 1, asked.join())
    })

    it('replaces a refused token, and gives up when the machine is gone', async () => {
      const {id} = await provider().create(cpu, {})
      const endpoint = await provider().connect(id)
      const refused = {'X-Colab-Runtime-Proxy-Token': await token(endpoint), 'X-Colab-Client-Agent': 'cgpu'}
      // the public interface gives the current token, the private one mints
      if (dialect === 'public') await control.world.clock.advance(3_601_000)
      assert.equal(await endpoint.reauthorize?.(refused), true)
      const second = await token(endpoint)
      assert.notEqual(second, refused['X-Colab-Runtime-Proxy-Token'])
      assert.equal(control.world.checkToken(id, 8080, second), 'ok')
      assert.equal(await endpoint.reauthorize?.(refused), true, 'another request got it already')
      await control.world.reclaim(id)
      assert.equal(await endpoint.reauthorize?.({'X-Colab-Runtime-Proxy-Token': second}), false)
    })

    it('keeps alive while it is there', async () => {
      const {id} = await provider().create(cpu, {})
      const before = control.world.fleet.get(id)?.usedAt ?? 0
      await control.world.clock.advance(1_000)
      assert.equal(await provider().keepAlive(id), 'alive')
      assert.ok((control.world.fleet.get(id)?.usedAt ?? 0) > before)
      await control.world.reclaim(id)
      assert.equal(await provider().keepAlive(id), 'gone')
    })

    it('says what the account may use, has left, and pays', async () => {
      const list = await provider().accelerators()
      assert.deepEqual(list.filter((one) => one.available).map(({id}) => id), ['cpu', 't4', 'l4', 'a100', 'v5e1'])
      assert.match(list.find(({id}) => id === 'h100')?.reason ?? '', /pro plan/)
      await provider().create(gpu(), {})
      const usage = await provider().usage()
      assert.deepEqual([usage.account, usage.tier, usage.runtimes], [me, 'pro', 1])
      assert.ok((usage.balance ?? 0) > 99 && (usage.hourlyRate ?? 0) > 0 && (usage.secondsLeft ?? 0) > 3600)
    })

    for (const [outcome, code] of [
      ['quota', 'QUOTA_EXCEEDED'], ['usage', 'QUOTA_EXCEEDED'], ['denylisted', 'ACCOUNT_DENYLISTED'], ['412', 'TOO_MANY_RUNTIMES'], ['503', 'ACCELERATOR_UNAVAILABLE'],
    ] as const) {
      it(`says ${code} when Colab says ${outcome}`, async () => {
        const running = await provider().create(cpu, {})
        control.world.fleet.script.push(outcome)
        const error = await rejects(provider().create(gpu('t4'), {}), code, 68)
        if (outcome === '412') assert.ok(error.message.includes(running.id), error.message)
        assert.deepEqual(fleet(), [running.id])
        assert.equal((await provider().list()).length, 1)
      })
    }

    it('refuses an image that Colab does not have, and leaves nothing', async () => {
      const error = await rejects(provider().create({...cpu, image: 'no-such'}, {}), 'MACHINE_REFUSED', 68)
      assert.match(error.fix ?? '', /--image/)
      assert.deepEqual(fleet(), [])
      assert.deepEqual(await provider().reap(), [])
    })

    it('releases a machine that is not what was asked for', async () => {
      control.world.fleet.script.push({accelerator: 'T4'})
      await rejects(provider().create(gpu('a100'), {}), 'ACCELERATOR_MISMATCH', 68)
      assert.deepEqual(fleet(), [])
    })

    it('leaves nothing when it is aborted, whenever that is', async () => {
      for (const after of [0, 1, 2, 4, 8, 16, 32]) {
        const abort = new AbortController()
        const making = provider().create(cpu, {signal: abort.signal})
        setTimeout(() => abort.abort(new Error('enough')), after)
        const made = await making.catch((error: unknown) => error)
        if (made instanceof Error) assert.match(made.message, /enough/)
        else await provider().release((made as {id: string}).id)
        assert.deepEqual(fleet(), [], `aborted after ${after} ms`)
      }
    })

    it('marks what others made, and releases it on request', async () => {
      const {assignment} = await control.world.assign(control.world.account('me@example.com') ?? assert.fail(), {nbh: 'x'.repeat(44), highMem: false}) as {assignment: {endpoint: string}}
      const first = await provider().get(assignment.endpoint)
      assert.equal(first?.foreign, true)
      assert.equal((await provider().get(assignment.endpoint))?.createdAt, first.createdAt)
      assert.deepEqual(await provider().reap(), [])
      await provider().release(assignment.endpoint)
      assert.deepEqual(fleet(), [])
    })

    it('works with machines of several accounts', async () => {
      const mine = await provider().create(cpu, {})
      current = 'google:free@example.com'
      const other = await provider().create(gpu('t4'), {})
      assert.deepEqual((await provider().list()).map(({id, account}) => [id, account]), [[other.id, current], [mine.id, me]])
      assert.equal((await provider().get(mine.id))?.account, me)
      await provider().release(mine.id)
      assert.deepEqual(fleet(), [other.id])
    })

    it('lets a machine use Drive once its owner agreed on the page', async () => {
      const {id} = await provider().create(cpu, {})
      const refused = await rejects(provider().authorizeMachine(id, 'drive', {}), 'CONSENT_REQUIRED', 67)
      assert.match(String(refused.details?.['url']), /^http:\/\/127\.0\.0\.1:\d+\/emulator\/consent\?/)
      await rejects(provider().authorizeMachine(id, 'drive', {consent: () => Promise.resolve(false)}), 'CONSENT_REQUIRED', 67)
      await provider().authorizeMachine(id, 'drive', {
        consent: async ({url}) => {
          const answer = await fetch(url, {method: 'POST', body: new URLSearchParams({decision: 'allow'})})
          return answer.ok
        },
      })
      assert.deepEqual([...control.world.fleet.get(id)?.credentials ?? []], ['drive'])
      // agreed once is agreed
      await provider().authorizeMachine(id, 'drive', {})
    })

    it('reaches a port by a token of its own', async () => {
      const {id, endpointUrl} = await provider().create(cpu, {})
      const port = await provider().portEndpoint(id, 8000)
      assert.notEqual(port.url, endpointUrl)
      assert.equal(control.world.checkToken(id, 8000, await token(port)), 'ok')
      assert.equal(control.world.checkToken(id, 8080, await token(port)), 'unknown')
      await rejects(provider().portEndpoint('no-such', 8000), 'RUNTIME_NOT_FOUND', 66)
      await rejects(provider().sshGate('no-such'), 'RUNTIME_NOT_FOUND', 66)
    })

    it('names the page for a browser', async () => {
      assert.equal(await provider().browserUrl('m-s-1'), `${control.url}/notebooks/empty.ipynb?dbu=%2Ftun%2Fm%2Fm-s-1#datalabBackendUrl=${control.url}/tun/m/m-s-1`)
    })

    it('forgets a machine that Colab took back', async () => {
      const {id} = await provider().create(cpu, {})
      await control.world.reclaim(id)
      assert.equal(await provider().get(id), null)
      await rejects(provider().connect(id), 'RUNTIME_NOT_FOUND', 66)
      await provider().release(id)
    })
  })
}

function emailOf(account: string): string {
  return account.replace(/^google:/, '')
}
