import assert from 'node:assert/strict'
import {spawn} from 'node:child_process'
import {once} from 'node:events'
import {readdirSync, readFileSync, writeFileSync} from 'node:fs'
import {join} from 'node:path'
import {fileURLToPath} from 'node:url'
import {type Emulator, type FaultRuleInput, startEmulator} from '@cgpu/emulator'
import {CgpuError} from '@cgpu/core/errors'
import {realEffects} from '../../packages/provider-colab/src/effects.ts'
import {ColabProvider} from '../../packages/provider-colab/src/provider.ts'
import {type Sealed, sealedContext, until} from '../contract/local-context.ts'
import {testPython} from '../helpers/jupyter-server.ts'

const account = {id: 'google:me@example.com', kind: 'token', email: 'me@example.com', scopes: []}
const cpu = {name: 'x', accelerator: {kind: 'cpu'}} as const
const child = fileURLToPath(new URL('../contract/colab-owner.ts', import.meta.url))

describe('faults between cgpu and an emulated Colab', function () {
  this.timeout(60_000)
  let emulator: Emulator
  let sealed: Sealed

  before(async () => {
    emulator = await startEmulator({python: () => Promise.resolve(testPython)})
  })
  after(() => emulator.close())
  beforeEach(() => (sealed = sealedContext()))
  afterEach(async () => {
    emulator.faults.clear()
    await emulator.happen({reclaim: '*'})
    sealed.remove()
  })

  const provider = (): ColabProvider => {
    const accounts = {current: () => Promise.resolve(account), list: () => Promise.resolve([account]), token: () => Promise.resolve(emulator.token())}
    const context = {...sealed.context, accounts, setting: (key: string) => (key === 'colab-emulator' ? emulator.url : undefined)}
    // waits are tested where they are made
    return new ColabProvider(context, {...realEffects, sleep: (ms, signal) => realEffects.sleep(Math.min(ms, 20), signal)})
  }
  const fleet = (): string[] => emulator.world.fleet.list().map(({endpoint}) => endpoint)
  const fault = (match: FaultRuleInput['match'], what: FaultRuleInput['do']): void => void emulator.faults.add({match: {site: 'control', ...match}, do: what})

  /** As if the commands that made what is written down had been killed. */
  const orphan = (): void => {
    const [folder = ''] = readdirSync(sealed.context.stateDir)
    const file = join(sealed.context.stateDir, folder, 'runtimes.json')
    const state = JSON.parse(readFileSync(file, 'utf8')) as {made: Record<string, {owner: unknown}>}
    for (const one of Object.values(state.made)) one.owner = {pid: 2 ** 22 + 1}
    writeFileSync(file, JSON.stringify(state))
  }

  const wrong: [string, FaultRuleInput['do']][] = [
    ['the connection drops before it is done', {drop: 'before'}],
    ['the connection drops after it is done', {drop: 'after'}],
    ['the answer is cut', {cutAfter: 7}],
    ['the answer is malformed', {malformed: true}],
    ['the answer has wrong types', {wrongTypes: true}],
    ['the answer is giant', {giant: 20_000_000}],
    ['a page comes instead', {html: true}],
    ['a redirect comes instead', {redirect: 'https://evil.example/'}],
    ['500', {status: 500}],
    ['502', {status: 502}],
    ['503', {status: 503}],
    ['429', {status: 429, retryAfter: 1}],
    ['403', {status: 403}],
    ['404', {status: 404}],
    ['412', {status: 412}],
  ]
  for (const method of ['GET', 'POST']) {
    for (const [what, action] of wrong) {
      for (const count of [1, undefined]) {
        it(`row 27: ${what}, ${count === 1 ? 'once' : 'always'}, at ${method} assign: one machine, or none and an error`, async () => {
          fault({method, path: '/tun/m/assign', ...(count === undefined ? {} : {count})}, action)
          const made = await provider().create(cpu, {}).catch((error: unknown) => error)
          emulator.faults.clear()
          if (made instanceof Error) {
            assert.ok(made instanceof CgpuError, made.stack)
            assert.ok(made.fix)
            // what could not be released at once is found by what was written down
            if (fleet().length > 0) orphan()
            await provider().reap()
            assert.deepEqual(fleet(), [])
          } else {
            const {id} = made as {id: string}
            assert.deepEqual(fleet(), [id])
            await provider().release(id)
            assert.deepEqual(fleet(), [])
          }
        })
      }
    }
  }

  for (const method of ['GET', 'POST']) {
    for (const [what, action] of wrong) {
      it(`${what} at ${method} unassign: released, or not forgotten`, async () => {
        const {id} = await provider().create(cpu, {})
        fault({method, path: `/tun/m/unassign/${id}`, count: 6}, action)
        const failed: unknown = await provider().release(id).catch((error: unknown) => error)
        emulator.faults.clear()
        if (failed !== undefined) {
          assert.ok(failed instanceof CgpuError)
          assert.deepEqual((await provider().list()).map((one) => one.id), fleet())
          await provider().release(id)
        } else if (what !== '404') {
          assert.deepEqual(fleet(), [])
        }
      })
    }
  }

  it('row 27: finds the one machine when the answer to the POST is lost', async () => {
    fault({method: 'POST', path: '/tun/m/assign', count: 1}, {drop: 'after'})
    const {id} = await provider().create(cpu, {})
    assert.deepEqual(fleet(), [id])
  })

  it('row 34: an answer that drips is read to its end', async () => {
    fault({path: '/v1/assignments', count: 1}, {dripBytesPerSecond: 400})
    const {id} = await provider().create(cpu, {})
    assert.deepEqual((await provider().list()).map((one) => one.id), [id])
  })

  describe('a command that is killed', () => {
    const start = () => {
      const args = [...process.execArgv.filter((one) => !one.includes('mocha')), '--conditions=cgpu-source', child, sealed.context.stateDir, emulator.url, emulator.token()]
      return spawn(process.execPath, args, {stdio: ['ignore', 'pipe', 'inherit']})
    }

    it('leaves its machine to reap', async () => {
      const owner = start()
      await once(owner.stdout, 'data')
      const [id] = fleet()
      assert.deepEqual(await provider().reap(), [])
      owner.kill('SIGKILL')
      await once(owner, 'exit')
      assert.deepEqual(await provider().reap(), [{id, reason: 'its owner was killed'}])
      assert.deepEqual(fleet(), [])
      assert.deepEqual(await provider().list(), [])
    })

    it('before it saw the answer leaves its machine to reap too', async () => {
      fault({method: 'POST', path: '/tun/m/assign'}, {dripBytesPerSecond: 1})
      const owner = start()
      await until('the machine is there', () => fleet().length === 1)
      owner.kill('SIGKILL')
      await once(owner, 'exit')
      emulator.faults.clear()
      const [found] = await provider().list()
      assert.equal(found?.foreign, undefined, 'known by its hash')
      assert.equal((await provider().reap()).length, 1)
      assert.deepEqual(fleet(), [])
    })
  })
})
