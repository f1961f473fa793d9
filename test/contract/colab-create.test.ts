import assert from 'node:assert/strict'
import {readFileSync, statSync} from 'node:fs'
import {join} from 'node:path'
import nock from 'nock'
import {answering, assignedG, assigning, assignedT, type FakeColab, fakeColab, gapi, prefixed, proxyToken, releasing, session, userInfo} from './colab-fake.ts'
import {rejects} from './provider.ts'

const cpu = {name: 'x', accelerator: {kind: 'cpu'}} as const
const t4 = {name: 'x', accelerator: {kind: 'gpu', model: 't4'}} as const

describe('leasing a machine of Colab', () => {
  let colab: FakeColab
  beforeEach(() => (colab = fakeColab()))
  afterEach(() => colab.end())

  const made = (): Record<string, {endpoint?: string; owner: unknown}> =>
    (JSON.parse(readFileSync(join(colab.stateDir, 'runtimes.json'), 'utf8')) as {made: Record<string, {endpoint?: string; owner: unknown}>}).made

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
    nock(gapi).get('/v1/user-info').reply(200, userInfo)
    assigning(200, assignedT(), {query: {variant: 'GPU', accelerator: 'T4'}})
    answering(2)
    const runtime = await colab.provider().create(t4, {})
    nock(gapi).get('/v1/assignments').reply(200, {assignments: [assignedG()]})
    assert.deepEqual(await colab.provider().list(), [{...runtime, details: {shape: 'standard', image: '2026.01'}}])
    const endpoint = await colab.provider().connect(runtime.id)
    assert.deepEqual(await endpoint.headers?.(), {'X-Colab-Runtime-Proxy-Token': proxyToken, 'X-Colab-Client-Agent': 'cgpu'})
    nock(runtime.endpointUrl).get('/api').reply(503)
    releasing()
    await colab.provider().release(runtime.id)
    assert.deepEqual(made(), {})
  })
})
