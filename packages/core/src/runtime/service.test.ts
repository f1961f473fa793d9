import assert from 'node:assert/strict'
import {mkdtemp, rm} from 'node:fs/promises'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {type CgpuError, errors} from '../errors.ts'
import type {Accelerator, CreateOptions, ProviderContext, ProviderRuntime, RuntimeProvider, RuntimeSpec, Usage} from '../provider.ts'
import type {RuntimesOptions} from './options.ts'
import {ProviderRegistry} from './registry.ts'
import {Runtimes} from './service.ts'
import type {RuntimeSession} from './session.ts'
import {RecordStore} from './store.ts'

const accelerators: Accelerator[] = ['T4', 'L4', 'A100'].map((id) => ({id, kind: 'gpu', name: id, available: true}))

/** A cloud in memory, whose machines have what `device` says. */
class Cloud implements RuntimeProvider {
  readonly id = 'cloud'
  readonly title = 'a cloud'
  readonly capabilities = {
    create: true, accelerators: true, highRam: true, image: true, add: false, release: true, terminal: false,
    computeUnits: true, keepAlive: true, selfRelease: true, browser: true, drive: false, ports: false, ssh: false,
  }
  readonly machines = new Map<string, ProviderRuntime>()
  readonly calls: string[] = []
  none = new Set<string>()
  /** of all, or of the machine of this id */
  refuseRelease: boolean | string = false
  down = false
  /** what other commands do before the next list is answered */
  seen: (() => Promise<void>) | undefined
  usageNow: Usage = {account: 'me@example.com', tier: 'pro', runtimes: 1, hourlyRate: 2}
  #made = 0

  async accelerators(): Promise<Accelerator[]> {
    return accelerators
  }

  async list(): Promise<ProviderRuntime[]> {
    this.calls.push('list')
    const {seen} = this
    this.seen = undefined
    await seen?.()
    if (this.down) throw errors.network('down', {code: 'UNREACHABLE', retryable: true})
    return [...this.machines.values()]
  }

  async get(id: string): Promise<ProviderRuntime | null> {
    return this.machines.get(id) ?? null
  }

  async create(spec: RuntimeSpec, _options: CreateOptions): Promise<ProviderRuntime> {
    const model = spec.accelerator.kind === 'cpu' ? 'cpu' : (spec.accelerator.model ?? 'any')
    this.calls.push(`create ${model}`)
    if (this.none.has(model)) throw errors.quota(`no ${model}`, {code: 'ACCELERATOR_UNAVAILABLE', category: 'capacity', retryable: true})
    return this.machine(`m${++this.#made}`, model)
  }

  machine(id: string, model: string, more: Partial<ProviderRuntime> = {}): ProviderRuntime {
    const made: ProviderRuntime = {
      id, state: 'ready', accelerator: {id: model, kind: model === 'cpu' ? 'cpu' : 'gpu', name: model, available: true},
      createdAt: '2026-11-22T10:00:00.000Z', endpointUrl: 'https://m.example.com/', account: 'google:me@example.com', idleTimeoutSeconds: 5400, ...more,
    }
    this.machines.set(id, made)
    return made
  }

  async keep(id: string): Promise<void> {
    this.calls.push(`keep ${id}`)
  }

  async release(id: string): Promise<void> {
    this.calls.push(`release ${id}`)
    if (this.refuseRelease === true || this.refuseRelease === id) throw errors.network('down', {code: 'UNREACHABLE', retryable: true})
    this.machines.delete(id)
  }

  async connect(): Promise<never> {
    throw new Error('not in this test')
  }

  async usage(): Promise<Usage> {
    return this.usageNow
  }

  async browserUrl(id: string): Promise<string> {
    return `https://cloud.example.com/${id}`
  }
}

describe('runtimes of a cloud', () => {
  let folder: string
  let cloud: Cloud
  let store: RecordStore
  let leases: number[]
  let warnings: string[]
  /** what machines find when they look at themselves */
  let device: string | undefined

  const service = (more: Partial<RuntimesOptions> = {}): Runtimes =>
    new Runtimes({
      registry: new ProviderRegistry([{id: 'cloud', source: 'test', needsAccount: true, load: async () => () => cloud}], () => ({}) as ProviderContext), // its factory asks for nothing
      store, defaultRuntime: async () => undefined, signedIn: async () => true, onWarning: (message) => warnings.push(message),
      now: () => new Date('2026-11-22T10:30:00.000Z'),
      connect: async (record) => {
        const asked = record.requested.kind === 'cpu' ? 'cpu' : (record.requested.model ?? 'any')
        const agent = {
          devices: async () => ({accelerators: asked === 'cpu' ? [] : [{kind: 'gpu', name: `NVIDIA ${device ?? asked}`, memoryBytes: 5}], cpus: 2, memoryBytes: 1}),
          lease: async (seconds: number) => {
            leases.push(seconds)
            return {set: true, seconds, left: seconds}
          },
        }
        return {agent: async () => agent, close: async () => undefined, guard: <T>(work: () => Promise<T>) => work()} as unknown as RuntimeSession // only this much is used of it
      },
      ...more,
    })

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'cgpu-service-'))
    cloud = new Cloud()
    store = new RecordStore(folder, undefined, null)
    leases = []
    warnings = []
    device = undefined
  })
  afterEach(() => rm(folder, {recursive: true, force: true}))

  const gpu = (model: string): {accelerator: RuntimeSpec['accelerator']} => ({accelerator: {kind: 'gpu', model}})

  it('are made with the first accelerator that can be had, looked at, leased and kept', async () => {
    cloud.none.add('a100')
    const made = await service().create({provider: 'cloud', name: 'one', spec: gpu('a100'), others: [gpu('l4').accelerator]})
    assert.deepEqual(cloud.calls, ['create a100', 'create l4', 'keep m1'])
    assert.deepEqual([made.accelerator.name, made.accelerator.memoryBytes, made.verifiedAt], ['NVIDIA l4', 5, '2026-11-22T10:30:00.000Z'])
    assert.deepEqual(leases, [7200])
    assert.deepEqual([made.lease, made.account, made.idleTimeoutSeconds], [{seconds: 7200, until: '2026-11-22T12:30:00.000Z'}, 'google:me@example.com', 5400])
    // also when it is read again
    assert.deepEqual((await service().show('one')).lease, made.lease)
  })

  it('are not asked for when one of the names is unknown', async () => {
    await assert.rejects(service().create({provider: 'cloud', spec: gpu('t4'), others: [gpu('a10').accelerator]}), {code: 'ACCELERATOR_UNAVAILABLE', fix: /a100/})
    assert.deepEqual(cloud.calls, [])
  })

  it('are leased for a short time when they are for one run, as long as asked, or not at all', async () => {
    await service().create({provider: 'cloud', spec: {accelerator: {kind: 'cpu'}}, ephemeral: true})
    await service().create({provider: 'cloud', spec: {accelerator: {kind: 'cpu'}}, leaseSeconds: 60})
    const free = await service().create({provider: 'cloud', spec: {accelerator: {kind: 'cpu'}}, leaseSeconds: null})
    assert.deepEqual(leases, [900, 60])
    assert.equal(free.lease, undefined)
    const {runtime, created} = await service().ensure({provider: 'cloud', name: free.name, spec: {accelerator: {kind: 'cpu'}}, leaseSeconds: 30, needsLease: true})
    assert.deepEqual([created, runtime.lease?.seconds, leases.at(-1)], [false, 30, 30])
  })

  it('are released at once when the machine has another accelerator', async () => {
    device = 'T4'
    await assert.rejects(service().create({provider: 'cloud', spec: gpu('a100')}), {code: 'ACCELERATOR_MISMATCH', exit: 68, message: /NVIDIA T4, not the a100/})
    assert.deepEqual(cloud.calls, ['create a100', 'release m1'])
    assert.deepEqual(await store.list(), [])
  })

  it('are kept with another accelerator when that is allowed, and then known by what they have', async () => {
    device = 'T4'
    const request = {provider: 'cloud', name: 'one', spec: gpu('a100')}
    const made = await service().create(request, {allowDowngrade: true})
    assert.equal(made.accelerator.name, 'NVIDIA T4')
    assert.deepEqual(warnings, ['one has NVIDIA T4, not what was asked for'])
    assert.equal((await service().ensure(request, {allowDowngrade: true})).created, false)
    await assert.rejects(service().ensure(request), {code: 'RUNTIME_DIFFERS'})
  })

  it('are not forgotten when they cannot be released', async () => {
    device = 'T4'
    cloud.refuseRelease = true
    await assert.rejects(service().create({provider: 'cloud', name: 'one', spec: gpu('a100')}), {code: 'ACCELERATOR_MISMATCH'})
    assert.deepEqual((await store.list()).map((one) => one.name), ['one'])
    assert.match(warnings[0] ?? '', /one could not be released/)
  })

  it('are told of as soon as they are gone, also where another cannot be released', async () => {
    for (const name of ['one', 'two', 'three']) await service().create({provider: 'cloud', name, spec: gpu('t4')})
    cloud.refuseRelease = (await store.list()).find(({name}) => name === 'two')?.providerId ?? assert.fail()
    const told: string[] = []
    await assert.rejects(service().release(await store.list(), {onReleased: ({name}) => void told.push(name)}), {code: 'UNREACHABLE'})
    assert.deepEqual([told.sort(), (await store.list()).map(({name}) => name)], [['one', 'three'], ['two']])
  })

  it('of a browser are shown, never picked by chance, and adopted by name or endpoint', async () => {
    cloud.machine('gpu-t4-x1', 'T4', {foreign: true})
    const [seen] = await service().list()
    assert.equal(seen?.origin, 'foreign')
    await assert.rejects(service().select(), {code: 'NO_RUNTIME'})
    assert.equal((await service().select(seen?.name)).providerId, 'gpu-t4-x1')
    const adopted = await service().adopt('gpu-t4-x1', {name: 'mine'})
    assert.deepEqual([adopted.origin, adopted.name], ['adopted', 'mine'])
    assert.equal((await service().select()).name, 'mine')
    assert.equal((await service().adopt('mine')).origin, 'adopted')
    assert.equal((await service().list())[0]?.origin, 'adopted')
  })

  it('are asked for only when somebody is signed in, or some are remembered', async () => {
    assert.deepEqual(await service({signedIn: async () => false}).list(), [])
    assert.deepEqual(cloud.calls, [])
    await service().create({provider: 'cloud', spec: {accelerator: {kind: 'cpu'}}})
    assert.equal((await service({signedIn: async () => false}).list()).length, 1)
  })

  it('that are known stay while their provider cannot be asked; that there are none is not for us to say', async () => {
    const made = await service().create({provider: 'cloud', name: 'one', spec: gpu('t4')})
    cloud.down = true
    const warnings: string[] = []
    const offline = service({signedIn: async () => true, onWarning: (message) => void warnings.push(message)})
    assert.deepEqual((await offline.list()).map(({name, checkedAt}) => [name, checkedAt]), [['one', null]])
    assert.deepEqual(warnings, ['cloud could not be asked: down'])
    await store.remove(made.id)
    await assert.rejects(offline.list(), {code: 'UNREACHABLE', exit: 69})
    assert.deepEqual(await offline.reap(), [])
  })

  it('tell what they cost, as far as the rates of all are known', async () => {
    await service().create({provider: 'cloud', name: 'one', spec: gpu('t4')})
    assert.equal((await service().show('one')).hourlyRate, 2)
    cloud.usageNow = {...cloud.usageNow, runtimes: 2, hourlyRate: 13.8}
    await service().create({provider: 'cloud', name: 'two', spec: gpu('a100')})
    assert.equal((await service().show('two')).hourlyRate, 11.8)
    // one that was opened elsewhere: nobody knows which costs what
    cloud.usageNow = {...cloud.usageNow, runtimes: 4, hourlyRate: 20}
    await service().create({provider: 'cloud', name: 'three', spec: gpu('l4')})
    const released = await service().release(await store.list())
    assert.deepEqual(Object.fromEntries(released.map(({name, computeUnits}) => [name, computeUnits])), {one: 1, two: 5.9, three: undefined})
  })

  it('of another account are no runtime for this call, unless they are named', async () => {
    await service().create({provider: 'cloud', name: 'one', spec: gpu('t4')})
    assert.equal((await service().reusable(undefined, [], {account: 'me@example.com'}))?.name, 'one')
    assert.equal(await service().reusable(undefined, [], {account: 'other@example.com'}), undefined)
    assert.equal((await service().reusable('one', [], {account: 'other@example.com'}))?.name, 'one')
    assert.equal(await service().reusable(undefined, [{kind: 'gpu', model: 'l4'}, {kind: 'gpu', model: 'a100'}]), undefined)
    assert.equal((await service().reusable(undefined, [{kind: 'gpu', model: 'l4'}, {kind: 'gpu', model: 't4'}]))?.name, 'one')
  })

  it('keep what the command that makes them knows, also when another one sees them first', async () => {
    cloud.seen = async () => void (await service().create({provider: 'cloud', name: 'one', spec: gpu('t4')}))
    const [seen] = await service().list()
    assert.equal(seen?.name, 'one')
    assert.deepEqual((await store.list()).map(({name, requested}) => [name, requested]), [['one', gpu('t4').accelerator]])
  })

  it('of Google are not forgotten because an emulator knows nothing of them', async () => {
    const {id} = await service().create({provider: 'cloud', name: 'one', spec: gpu('t4')})
    const google = store
    // what is older than thirty days is
    await google.update(id, (old) => ({...old, createdAt: new Date().toISOString()}))
    cloud.machines.clear()
    store = new RecordStore(folder, undefined, 'http://127.0.0.1:1')
    assert.deepEqual(await service().list(), [])
    await service().create({provider: 'cloud', name: 'two', spec: gpu('t4')})
    assert.deepEqual((await service().list()).map(({name}) => name), ['two'])
    store = google
    assert.deepEqual((await store.list()).map(({name}) => name), ['one'])
    // of no account, as on this machine: the same everywhere
    cloud.machines.clear()
    delete cloud.machine('m9', 'cpu').account
    await service().list()
    assert.equal((await new RecordStore(folder, undefined, 'http://127.0.0.1:1').list()).length, 2)
  })

  it('of an emulator that is gone are forgotten after a month', async () => {
    const then = new RecordStore(folder, undefined, 'http://127.0.0.1:1')
    await service({store: then}).create({provider: 'cloud', name: 'one', spec: gpu('t4')})
    const [record] = await then.list()
    await then.update(record?.id ?? '', (old) => ({...old, createdAt: new Date(Date.now() - 31 * 86_400_000).toISOString()}))
    assert.deepEqual(await store.list(), [])
    assert.deepEqual(await then.list(), [])
  })

  it('of one name are made once, however many ask at the same time', async () => {
    const request = {provider: 'cloud', name: 'one', spec: gpu('t4')}
    const got = await Promise.all([1, 2, 3].map(() => service().ensure(request)))
    assert.equal(got.filter(({created}) => created).length, 1)
    const outcomes = await Promise.allSettled([1, 2].map(() => service().create({...request, name: 'two'})))
    assert.deepEqual(outcomes.map((one) => (one.status === 'fulfilled' ? 'made' : (one.reason as CgpuError).code)).sort(), ['NAME_TAKEN', 'made'])
    assert.equal(cloud.machines.size, 2)
  })

  it('have a page and a bill', async () => {
    await service().create({provider: 'cloud', name: 'one', spec: gpu('t4')})
    assert.deepEqual(await service().browserUrl(), {runtime: 'one', url: 'https://cloud.example.com/m1'})
    assert.deepEqual(await service().usage(), {provider: 'cloud', ...cloud.usageNow})
  })
})
