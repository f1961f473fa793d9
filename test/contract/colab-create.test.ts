import assert from 'node:assert/strict'
import {readFileSync} from 'node:fs'
import {join} from 'node:path'
import nock from 'nock'
import {
  answering, assignedG, assignedT, assigning, type FakeColab, fakeColab, gapi, machine, prefixed, proxyToken, releasing, session, userInfo,
} from './colab-fake.ts'
import {rejects} from './provider.ts'

const cpu = {name: 'x', accelerator: {kind: 'cpu'}} as const
const t4 = {name: 'x', accelerator: {kind: 'gpu', model: 't4'}} as const

describe('leasing a machine of Colab', () => {
  let colab: FakeColab
  beforeEach(() => (colab = fakeColab()))
  afterEach(() => colab.end())

  const made = (): Record<string, {endpoint?: string; owner: unknown}> =>
    (JSON.parse(readFileSync(join(colab.stateDir, 'runtimes.json'), 'utf8')) as {made: Record<string, {endpoint?: string; owner: unknown}>}).made
  const mayUse = (info: object = userInfo) => nock(gapi).get('/v1/user-info').reply(200, info)
  const paid = {...userInfo, subscriptionTier: 'SUBSCRIPTION_TIER_PRO', eligibleAccelerators: [{variant: 'VARIANT_GPU', models: ['T4', 'L4', 'A100']}]}

  it('asks for a CPU with neither variant nor accelerator, in three requests', async () => {
    let asked: string[] = []
    assigning(200, assignedT({accelerator: 'NONE', variant: 0, endpoint: 'm-s-1'}), {seen: (query) => (asked = Object.keys(query))})
    answering()
    const runtime = await colab.provider().create(cpu, {})
    assert.deepEqual(asked, ['nbh', 'authuser'])
    assert.deepEqual([runtime.id, runtime.state, runtime.accelerator.kind, runtime.idleTimeoutSeconds], ['m-s-1', 'ready', 'cpu', 5400])
    assert.equal(runtime.account, 'google:ada@example.com')
    assert.equal(runtime.foreign, undefined)
  })

  it('lists it by one request, connects without any, and releases it by two', async () => {
    mayUse()
    assigning(200, assignedT(), {query: {variant: 'GPU', accelerator: 'T4'}})
    answering(2)
    const runtime = await colab.provider().create(t4, {})
    nock(gapi).get('/v1/assignments').reply(200, {assignments: [assignedG()]})
    assert.deepEqual(await colab.provider().list(), [{...runtime, details: {shape: 'standard', image: '2026.01'}}])
    const endpoint = await colab.provider().connect(runtime.id)
    assert.deepEqual(await endpoint.headers?.(), {'X-Colab-Runtime-Proxy-Token': proxyToken, 'X-Colab-Client-Agent': 'cgpu'})
    // its own kernels are ended first, nobody else's
    nock(machine).get('/api/sessions').reply(200, [
      {id: 's1', path: 'cgpu', type: 'console'}, {id: 's2', path: 'cgpu-control', type: 'console'}, {id: 's3', path: 'cgpu', type: 'notebook'},
    ])
    nock(machine).delete('/api/sessions/s1').reply(204)
    nock(machine).delete('/api/sessions/s2').reply(500)
    releasing()
    await colab.provider().release(runtime.id)
    assert.deepEqual(made(), {})
  })

  it('sends the shape only where it makes a difference, and the image as given', async () => {
    mayUse(paid).get('/v1/user-info').reply(200, paid)
    let asked: Record<string, unknown> = {}
    const seen = (query: Record<string, unknown>): unknown => (asked = query)
    assigning(200, assignedT({machineShape: 1}), {seen})
    answering()
    await colab.provider().create({...t4, highRam: true, image: '2025.10'}, {})
    assert.deepEqual([asked['shape'], asked['runtime_version_label']], ['hm', '2025.10'])
    assigning(200, assignedT({endpoint: 'gpu-l4-hm-1', accelerator: 'L4', machineShape: 1}), {seen})
    answering()
    await colab.provider().create({name: 'x', accelerator: {kind: 'gpu', model: 'L4'}, highRam: true}, {})
    assert.equal(asked['shape'], undefined)
  })

  it('takes the first model that the account may use when none is named', async () => {
    mayUse()
    assigning(200, assignedT({accelerator: 'V5E1', variant: 2, endpoint: 'tpu-v5e1-s-1'}), {query: {variant: 'TPU', accelerator: 'V5E1'}})
    answering()
    assert.deepEqual((await colab.provider().create({name: 'x', accelerator: {kind: 'tpu'}}, {})).accelerator.id, 'v5e1')
  })

  it('takes the machine that the hash has already, without a POST', async () => {
    nock(session).get('/tun/m/assign').query(true).reply(200, prefixed(assignedT({accelerator: 'NONE', variant: 'DEFAULT', outcome: undefined})))
    answering()
    assert.equal((await colab.provider().create(cpu, {})).id, 'gpu-t4-s-1')
  })

  it('reads answers without the prefix, and enum values that are new', async () => {
    nock(session).get('/tun/m/assign').query(true).reply(200, {token: 'xsrf-1'})
    nock(session).post('/tun/m/assign').query(true).reply(200, assignedT({accelerator: 'NONE', variant: 'QUANTUM', outcome: 99, machineShape: 7, sub: 'x'}))
    answering()
    assert.equal((await colab.provider().create(cpu, {})).details?.['shape'], '7')
  })

  describe('says no, and nothing is left', () => {
    const refusals: [string, number, unknown, string, {category?: string; retryable?: boolean}, (error: {message: string; fix: string | undefined}) => void][] = [
      ['an outcome of quota', 200, {outcome: 1}, 'QUOTA_EXCEEDED', {category: 'quota'}, ({message, fix}) => {
        assert.match(message, /0\.25 free compute units are left; more come at 2026-\d\d-\d\d \d\d:\d\d:\d\d/)
        assert.equal(fix, 'cgpu usage')
      }],
      ['an outcome of usage', 200, {outcome: 2}, 'QUOTA_EXCEEDED', {category: 'quota'}, () => undefined],
      ['an outcome by its name', 200, {outcome: 'QUOTA_EXCEEDED_USAGE_TIME'}, 'QUOTA_EXCEEDED', {category: 'quota'}, () => undefined],
      ['an outcome of denylisted', 200, {outcome: 5}, 'ACCOUNT_DENYLISTED', {category: 'quota'}, ({message}) => assert.match(message, /ada@example\.com/)],
      ['400', 400, {error: {message: 'not entitled'}}, 'MACHINE_REFUSED', {category: 'quota'}, ({message}) => assert.match(message, /not entitled/)],
      ['412', 412, {}, 'TOO_MANY_RUNTIMES', {category: 'quota'}, ({message, fix}) => {
        assert.match(message, /gpu-l4-s-9 \(L4\)/)
        assert.match(fix ?? '', /cgpu runtime release/)
      }],
      ['503', 503, 'out of T4', 'ACCELERATOR_UNAVAILABLE', {category: 'capacity', retryable: true}, ({message}) => assert.match(message, /no T4 free/)],
    ]
    for (const [what, status, body, code, more, check] of refusals) {
      it(`${what} is ${code}`, async () => {
        mayUse()
        assigning(status, body)
        // whether it was a front end that lost its answer
        if (status === 503) nock(session).get('/tun/m/assign').query(true).reply(200, prefixed({token: 'xsrf-1'}))
        nock(gapi).get('/v1/user-info').query({get_ccu_consumption_info: 'true'}).optionally().reply(200, {
          ...userInfo, paidComputeUnitsBalance: 0, consumptionRateHourly: 0, assignmentsCount: 0,
          freeCcuQuotaInfo: {remainingTokens: '250', nextRefillTimestampSec: 1_790_000_000},
        })
        nock(gapi).get('/v1/assignments').optionally().reply(200, {assignments: [assignedG({endpoint: 'gpu-l4-s-9', accelerator: 'L4'})]})
        const error = await rejects(colab.provider().create(t4, {}), code, 68)
        assert.deepEqual({category: error.category, retryable: error.retryable}, {retryable: false, ...more})
        check(error)
        assert.deepEqual(made(), {})
      })
    }

    it('400 for what the account turns out not to have lists what it has', async () => {
      mayUse(paid)
      assigning(400, {error: {message: 'no'}})
      nock(gapi).get('/v1/user-info').query(true).reply(200, userInfo)
      const error = await rejects(colab.provider().create({name: 'x', accelerator: {kind: 'gpu', model: 'a100'}}, {}), 'ACCELERATOR_UNAVAILABLE', 68)
      assert.equal(error.category, 'quota')
      assert.match(error.message, /may not use GPU A100.*may use t4, v5e1/)
    })

    it('a name that Colab does not know is refused before anything is asked for', async () => {
      mayUse(paid)
      const error = await rejects(colab.provider().create({name: 'x', accelerator: {kind: 'gpu', model: 'a10'}}, {}), 'ACCELERATOR_UNAVAILABLE', 68)
      assert.equal(error.fix, 'did you mean "a100"?')
      assert.match(error.message, /t4, l4, a100/)
    })

    it('a model of another plan is refused before anything is asked for', async () => {
      mayUse()
      await rejects(colab.provider().create({name: 'x', accelerator: {kind: 'gpu', model: 'L4'}}, {}), 'ACCELERATOR_UNAVAILABLE', 68)
      mayUse()
      await rejects(colab.provider().create({...cpu, highRam: true}, {}), 'HIGH_RAM_UNAVAILABLE', 68)
    })

    it('a token without the scope for Colab is SCOPE_MISSING', async () => {
      nock(session).get('/tun/m/assign').query(true).reply(403, {error: {code: 403, status: 'PERMISSION_DENIED', details: [{reason: 'SCOPE_NOT_PERMITTED'}]}})
      // that nothing was made is checked with the same token
      nock(session).get('/tun/m/assign').query(true).reply(403, 'Request had insufficient authentication scopes.')
      await rejects(colab.provider().create(cpu, {}), 'SCOPE_MISSING', 67)
    })
  })

  it('releases a machine with another accelerator, unless that is allowed', async () => {
    mayUse(paid)
    assigning(200, assignedT())
    releasing()
    await rejects(colab.provider().create({name: 'x', accelerator: {kind: 'gpu', model: 'a100'}}, {}), 'ACCELERATOR_MISMATCH', 68)
    assert.deepEqual(made(), {})
    mayUse(paid)
    assigning(200, assignedT())
    answering()
    const runtime = await colab.provider().create({name: 'x', accelerator: {kind: 'gpu', model: 'a100'}}, {allowDowngrade: true})
    assert.equal(runtime.accelerator.id, 't4')
  })

  it('waits until the machine answers', async () => {
    assigning(200, assignedT({accelerator: 'NONE', variant: 0}))
    nock(machine).get('/api').reply(502)
    nock(machine).get('/api').replyWithError('refused')
    answering()
    const said: string[] = []
    assert.equal((await colab.provider().create(cpu, {onProgress: ({message}) => said.push(message)})).state, 'ready')
    assert.deepEqual(said, ['asking Colab for a machine', 'waiting for the machine'])
  })

  it('releases a machine that never answers', async () => {
    assigning(200, assignedT({accelerator: 'NONE', variant: 0}))
    nock(machine).get('/api').times(200).optionally().reply(502)
    releasing()
    const error = await rejects(colab.provider().create(cpu, {}), 'RUNTIME_NOT_READY', 69)
    assert.equal(error.retryable, true)
    assert.deepEqual(made(), {})
    nock.cleanAll()
  })

  it('releases the machine when it is aborted while waiting', async () => {
    const abort = new AbortController()
    assigning(200, assignedT({accelerator: 'NONE', variant: 0}))
    nock(machine).get('/api').reply(() => {
      abort.abort(new Error('enough'))
      return [502]
    })
    releasing()
    await assert.rejects(colab.provider().create(cpu, {signal: abort.signal}), /enough/)
    assert.deepEqual(made(), {})
  })

  it('waits for the answer of a POST that is aborted, and releases what it gave', async () => {
    const abort = new AbortController()
    nock(session).get('/tun/m/assign').query(true).reply(200, prefixed({token: 'xsrf-1'}))
    nock(session).post('/tun/m/assign').query(true).reply(() => {
      abort.abort(new Error('enough'))
      return [200, prefixed(assignedT({accelerator: 'NONE', variant: 0}))]
    })
    releasing()
    await assert.rejects(colab.provider().create(cpu, {signal: abort.signal}), /enough/)
    assert.deepEqual(made(), {})
  })

  it('writes down what it asks for before it asks, with its owner, and keeps it when it cannot tell', async () => {
    nock(session).get('/tun/m/assign').query(true).reply(() => {
      const [intent] = Object.values(made())
      assert.equal((intent?.owner as {pid: number}).pid, process.pid)
      return [200, prefixed({token: 'xsrf-1'})]
    })
    nock(session).post('/tun/m/assign').query(true).replyWithError('cut')
    nock(session).get('/tun/m/assign').query(true).times(20).replyWithError('down')
    await rejects(colab.provider().create(cpu, {}), 'COLAB_UNREACHABLE', 69)
    assert.equal(Object.keys(made()).length, 1)
    nock.cleanAll()
  })

  it('is kept on request, and then has no owner', async () => {
    assigning(200, assignedT({accelerator: 'NONE', variant: 0}))
    answering()
    const {id} = await colab.provider().create(cpu, {ephemeral: true})
    await colab.provider().keep(id)
    assert.equal(Object.values(made())[0]?.owner, null)
    await rejects(colab.provider().keep('no-such'), 'RUNTIME_NOT_FOUND', 66)
  })
})
