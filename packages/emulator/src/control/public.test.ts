import assert from 'node:assert/strict'
import {randomUUID} from 'node:crypto'
import {startControl, type TestControl} from '../../../../test/helpers/control-plane.ts'

interface Operation { name: string; done: boolean; metadata: {runtime: string}; response?: Runtime; error?: {code: number; message: string; details: {reason: string}[]} }
interface Runtime { name: string; runtimeSpec: object; version: string; connectionInfo: {endpoint: string; token: string; url: string; expireTime: string} }

const t4 = {runtimeSpec: {accelerator: 'T4', shape: 'SHAPE_STANDARD', variant: 'VARIANT_GPU'}}

describe('dialect P', () => {
  let control: TestControl
  const get = async <T>(path: string): Promise<T> => await (await control.call(path)).json() as T
  const create = async (body: unknown = t4, query = ''): Promise<Operation> =>
    await (await control.call(`/v1beta/runtimes${query}`, {method: 'POST', body: JSON.stringify(body), headers: {'content-type': 'application/json'}})).json() as Operation
  const wait = (operation: Operation): Promise<Operation> => get(`/v1/${operation.name}:wait?timeout=200s`)
  beforeEach(async () => { control = await startControl() })
  afterEach(() => control.stop())

  it('creates, gets, lists and deletes runtimes', async () => {
    const begun = await create(t4, `?requestId=${randomUUID()}`)
    assert.equal(begun.done, false)
    const {response, ...ended} = await wait(begun)
    assert.equal(ended.done, true)
    assert.equal(response?.name, begun.metadata.runtime)
    assert.doesNotMatch(response?.name ?? '', /[0-9a-f]{8}-[0-9a-f]{4}-/)
    assert.deepEqual(response?.runtimeSpec, t4.runtimeSpec)
    const {endpoint, token, expireTime} = response?.connectionInfo ?? {endpoint: '', token: '', expireTime: ''}
    assert.equal(control.world.checkToken(endpoint, 8080, token), 'ok')
    assert.ok(Date.parse(expireTime) > control.world.clock.now())
    const got = await get<Runtime>(`/v1beta/${begun.metadata.runtime}`)
    assert.equal(got.connectionInfo.endpoint, endpoint)
    assert.equal((await get<{runtimes: Runtime[]}>('/v1beta/runtimes')).runtimes.length, 1)
    assert.deepEqual(await (await control.call(`/v1beta/${begun.metadata.runtime}`, {method: 'DELETE'})).json(), {})
    assert.deepEqual(await get('/v1beta/runtimes'), {})
    assert.equal((await control.call(`/v1beta/${begun.metadata.runtime}`)).status, 404)
    assert.equal((await get<Operation>(`/v1/${begun.name}`)).done, true)
  })

  it('makes one runtime for one request id', async () => {
    const query = `?requestId=${randomUUID()}`
    const [one, other] = [await create(t4, query), await create(t4, query)]
    assert.equal(one.name, other.name)
    await wait(one)
    assert.equal((await create(t4, query)).done, true)
    assert.equal(control.world.fleet.list().length, 1)
  })

  it('takes a name once', async () => {
    const first = await create({runtimeSpec: {variant: 'VARIANT_CPU'}}, '?runtimeId=my-runtime')
    assert.equal((await wait(first)).response?.name, 'runtimes/my-runtime')
    assert.equal((await wait(await create(t4, '?runtimeId=my-runtime'))).error?.code, 6)
    const both = await Promise.all([create(t4, '?runtimeId=another'), create(t4, '?runtimeId=another')])
    const ends = await Promise.all(both.map(wait))
    assert.deepEqual(new Set(ends.map((one) => one.error?.code)), new Set([6, undefined]))
  })

  const refusals = [
    ['412', 8, 'TOO_MANY_ACTIVE_RUNTIMES'], ['denylisted', 7, 'DENYLISTED'], ['usage', 8, 'QUOTA_EXCEEDED_USAGE_TIME'],
    ['503', 9, 'ACCELERATOR_UNAVAILABLE'], ['quota', 9, 'QUOTA_DENIED_REQUESTED_VARIANTS'], ['400', 7, 'NOT_ENTITLED'],
  ] as const
  for (const [outcome, code, reason] of refusals) {
    it(`ends an operation with ${reason}`, async () => {
      control.world.queueAssign([outcome])
      const {done, error} = await wait(await create())
      assert.deepEqual([done, error?.code, error?.details[0]?.reason], [true, code, reason])
    })
  }

  const malformed: [unknown, string][] = [
    [{}, ''], [[], ''], ['text', ''], [{runtimeSpec: {variant: 'GPU'}}, ''], [{runtimeSpec: {variant: 'VARIANT_TPU', accelerator: 'T4'}}, ''],
    [{...t4, version: '1999.01'}, ''], [t4, '?requestId=1'], [t4, '?runtimeId=Upper'], [t4, '?runtimeId=-x'],
  ]
  for (const [body, query] of malformed) {
    it(`refuses ${JSON.stringify(body)} ${query}`, async () => {
      assert.equal((await control.call(`/v1beta/runtimes${query}`, {method: 'POST', body: JSON.stringify(body)})).status, 400)
    })
  }

  it('refuses what is not JSON, and what is too large', async () => {
    const status = async (body: string): Promise<number> => (await control.call('/v1beta/runtimes', {method: 'POST', body})).status
    assert.equal(await status('{'), 400)
    assert.equal(await status(' '.repeat(2 ** 20 + 1)), 413)
  })

  it('stops waiting at the time given, by its clock', async () => {
    let go = (): void => undefined
    const gate = new Promise<void>((resolve) => { go = resolve })
    const start = control.host.start.bind(control.host)
    control.host.start = async (spec) => {
      await gate
      return start(spec)
    }
    const operation = await create()
    assert.equal((await get<Operation>(`/v1/${operation.name}:wait?timeout=0.01s`)).done, false)
    go()
    assert.equal((await wait(operation)).done, true)
  })

  it('lists operations by pages, and specs by what the account may have', async () => {
    for (let n = 0; n < 3; n++) await wait(await create())
    const first = await get<{operations: Operation[]; nextPageToken: string}>('/v1/operations?pageSize=2')
    assert.deepEqual([first.operations.length, first.nextPageToken], [2, '2'])
    const last = await get<{operations: Operation[]; nextPageToken?: string}>('/v1/operations?pageSize=2&pageToken=2')
    assert.deepEqual([last.operations.length, last.nextPageToken], [1, undefined])
    assert.deepEqual(await get('/v1beta/subscription'), {name: 'subscription', tier: 'SUBSCRIPTION_TIER_PRO'})
    const {runtimeSpecs} = await get<{runtimeSpecs: {key: {variant: string; accelerator: string; shape: string}; eligible: boolean}[]}>('/v1beta/runtimespecs')
    const rows = runtimeSpecs.map(({key, eligible}) => `${key.accelerator} ${key.shape.slice(6)} ${String(eligible)}`)
    assert.deepEqual(rows, ['NONE STANDARD true', 'NONE HIGHMEM true', 'T4 STANDARD true', 'T4 HIGHMEM true', 'L4 HIGHMEM true',
      'A100 STANDARD true', 'A100 HIGHMEM true', 'H100 HIGHMEM false', 'V5E1 HIGHMEM true'])
  })

  it('lets a read-only token read', async () => {
    const authorization = `Bearer ${control.world.standingToken('me@example.com', ['https://www.googleapis.com/auth/colaboratory.readonly'])}`
    assert.equal((await control.call('/v1beta/runtimes', {headers: {authorization}})).status, 200)
    assert.equal((await control.call('/v1beta/runtimes', {method: 'POST', body: JSON.stringify(t4), headers: {authorization}})).status, 403)
  })
})
