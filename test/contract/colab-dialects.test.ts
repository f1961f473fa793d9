import assert from 'node:assert/strict'
import nock from 'nock'
import {answering, assignedG, type FakeColab, fakeColab, gapi, machine, prefixed, proxyToken, publicApi, session, userInfo} from './colab-fake.ts'
import {rejects} from './provider.ts'

const cpu = {name: 'x', accelerator: {kind: 'cpu'}} as const

describe('the older and the public interface of Colab', () => {
  let colab: FakeColab
  beforeEach(() => (colab = fakeColab()))
  afterEach(() => colab.end())

  const older = {
    endpoint: 'gpu-t4-s-1', accelerator: 'T4', variant: 1, machineShape: 1, runtimeProxyInfo: {token: proxyToken, tokenExpiresInSeconds: 3600, url: machine},
  }

  for (const status of [403, 404, 501]) {
    it(`lists by the older one when the newer one answers ${status}`, async () => {
      nock(gapi).get('/v1/assignments').reply(status)
      nock(session).get('/tun/m/assignments').query({authuser: '0'}).reply(200, prefixed({assignments: [older]}))
      answering()
      const [runtime] = await colab.provider().list()
      assert.deepEqual([runtime?.id, runtime?.accelerator.id, runtime?.details?.['shape'], runtime?.foreign], ['gpu-t4-s-1', 't4', 'high-memory', true])
      // its token came along
      assert.equal((await colab.provider().connect('gpu-t4-s-1')).url, machine)
    })
  }

  it('reads compute units by the older one, which names no plan', async () => {
    nock(gapi).get('/v1/user-info').query(true).reply(404)
    nock(session).get('/tun/m/ccu-info').query({authuser: '0'}).reply(200, prefixed({
      currentBalance: 12.5, consumptionRateHourly: 2.5, assignmentsCount: 1, eligibleGpus: ['T4', 'l4'], eligibleTpus: [], ineligibleGpus: ['A100'],
    }))
    assert.deepEqual(await colab.provider().usage(), {
      account: 'google:ada@example.com', tier: 'paid', balance: 12.5, hourlyRate: 2.5, secondsLeft: 18_000, runtimes: 1,
    })
  })

  it('counts the free quota in how long an account lasts', async () => {
    nock(gapi).get('/v1/user-info').query(true).reply(200, {
      ...userInfo, paidComputeUnitsBalance: 1, consumptionRateHourly: 2, assignmentsCount: 1, freeCcuQuotaInfo: {remainingTokens: '3000'},
    })
    const {balance, free, secondsLeft} = await colab.provider().usage()
    assert.deepEqual([balance, free?.remaining, secondsLeft], [1, 3, 7200])
  })

  it('gets the token of a port by the older one, through the tunnel', async () => {
    nock(gapi).get('/v1/runtime-proxy-token').query({endpoint: 'gpu-t4-s-1', port: '6006'}).reply(404)
    nock(session, {reqheaders: {'x-colab-tunnel': 'Google'}}).get('/tun/m/runtime-proxy-token').query({endpoint: 'gpu-t4-s-1', port: '6006', authuser: '0'})
      .reply(200, prefixed({token: 'port-token', tokenExpiresInSeconds: 'x', url: 'https://6006-gpu.prod.colab.dev'}).replace('"x"', '0'))
    const port = await colab.provider().portEndpoint('gpu-t4-s-1', 6006)
    assert.equal(port.url, 'https://6006-gpu.prod.colab.dev')
    assert.equal((await port.headers?.())?.['X-Colab-Runtime-Proxy-Token'], 'port-token')
  })

  describe('public', () => {
    beforeEach(() => {
      colab.end()
      colab = fakeColab({'colab-dialect': 'public'})
    })

    const runtime = (name: string, expireTime = '2026-11-22T13:00:00Z') => ({
      name, runtimeSpec: {variant: 'VARIANT_CPU', accelerator: 'NONE', shape: 'SHAPE_STANDARD'}, version: '2026.01',
      connectionInfo: {endpoint: 'm-s-1', token: proxyToken, url: machine, expireTime},
    })

    it('makes a runtime by an operation, under an id that shows whose it is', async () => {
      let id = ''
      nock(publicApi).post('/v1beta/runtimes', {runtimeSpec: {accelerator: 'NONE', shape: 'SHAPE_STANDARD', variant: 'VARIANT_CPU'}, version: '2026.01'})
        .query(({requestId, runtimeId}) => {
          id = String(runtimeId)
          return /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-8[0-9a-f]{3}-[0-9a-f]{12}$/.test(String(requestId)) && /^cgpu-[0-9a-f]{16}$/.test(id)
        })
        .reply(200, {name: 'operations/a/b', done: false})
      nock(publicApi).get('/v1/operations/a%2Fb:wait').query({timeout: '200s'}).reply(200, () => ({name: 'operations/a/b', done: true, response: runtime(`runtimes/${id}`)}), {date: 'Sun, 22 Nov 2026 12:00:00 GMT'})
      answering()
      const made = await colab.provider().create({...cpu, image: '2026.01'}, {})
      assert.deepEqual([made.id, made.details?.['name'], made.foreign], ['m-s-1', `runtimes/${id}`, undefined])
      nock(publicApi).delete(`/v1beta/runtimes/${id}`).reply(200, {})
      nock(machine).get('/api/sessions').reply(200, [])
      await colab.provider().release('m-s-1')
    })

    it('knows what another cgpu made by its id, and what is in the other list only', async () => {
      nock(publicApi).get('/v1beta/runtimes').reply(200, {runtimes: [runtime('runtimes/cgpu-0123456789abcdef'), {name: 'runtimes/starting'}]})
      nock(gapi).get('/v1/assignments').reply(200, {assignments: [assignedG({endpoint: 'm-s-1'}), assignedG()]})
      answering(2)
      const list = await colab.provider().list()
      assert.deepEqual(new Map(list.map(({id, foreign}) => [id, foreign])), new Map([['m-s-1', undefined], ['gpu-t4-s-1', true]]))
    })

    const refusals: [string, object, string][] = [
      ['too many', {code: 8, details: [{reason: 'TOO_MANY_ACTIVE_RUNTIMES'}]}, 'TOO_MANY_RUNTIMES'],
      ['denylisted', {code: 7, details: [{x: 1}, {reason: 'DENYLISTED'}]}, 'ACCOUNT_DENYLISTED'],
      ['quota', {code: 8, details: [{reason: 'QUOTA_EXCEEDED_USAGE_TIME'}]}, 'QUOTA_EXCEEDED'],
    ]
    for (const [what, error, code] of refusals) {
      it(`says ${code} for an operation that failed for ${what}`, async () => {
        nock(publicApi).post('/v1beta/runtimes').query(true).reply(200, {name: 'operations/1', done: true, error})
        nock(gapi).get('/v1/user-info').query(true).optionally().reply(200, {})
        nock(gapi).get('/v1/assignments').optionally().reply(200, {})
        nock(publicApi).get('/v1beta/runtimes').optionally().reply(200, {})
        await rejects(colab.provider().create(cpu, {}), code, 68)
        nock.cleanAll()
      })
    }

    it('finds the runtime that was made when the answer got lost', async () => {
      const ids = new Set<unknown>()
      const same = ({runtimeId, requestId}: Record<string, unknown>): boolean => ids.add(`${String(runtimeId)} ${String(requestId)}`).size === 1
      nock(publicApi).post('/v1beta/runtimes').query(same).replyWithError('cut')
      nock(publicApi).post('/v1beta/runtimes').query(same).reply(200, {name: 'operations/1', done: true, error: {code: 6}})
      nock(publicApi).get(/^\/v1beta\/runtimes\/cgpu-/).reply(200, () => runtime(`runtimes/${String([...ids][0]).split(' ')[0]}`))
      answering()
      assert.equal((await colab.provider().create(cpu, {})).id, 'm-s-1')
    })

    it('says so when it is not open to the account', async () => {
      nock(publicApi).get('/v1beta/runtimes').reply(403, {error: {message: 'Colab API has not been used in project 1'}})
      nock(gapi).get('/v1/assignments').reply(200, {})
      const error = await rejects(colab.provider().list(), 'PUBLIC_INTERFACE_CLOSED', 67)
      assert.match(error.fix ?? '', /colab-dialect/)
    })

    it('gives up an operation that does not end, and takes back what may come of it', async () => {
      nock(publicApi).post('/v1beta/runtimes').query(true).reply(200, {name: 'operations/1'})
      nock(publicApi).get('/v1/operations/1:wait').query(true).times(3).reply(200, {name: 'operations/1', done: false})
      nock(publicApi).delete(/^\/v1beta\/runtimes\/cgpu-/).reply(200, {})
      await rejects(colab.provider().create(cpu, {}), 'CREATE_TIMED_OUT', 69)
    })
  })
})
