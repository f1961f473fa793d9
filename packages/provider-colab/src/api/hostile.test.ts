import assert from 'node:assert/strict'
import * as fc from 'fast-check'
import {CgpuError} from '@cgpu/core/errors'
import {googleHosts} from '@cgpu/core/google/hosts'
import type {HttpAnswer} from '@cgpu/jupyter/http'
import {acceleratorFor, acceleratorsOf, mismatch} from '../accelerators.ts'
import {realEffects} from '../effects.ts'
import {ControlClient} from '../http/client.ts'
import {type Assignment, AssignRefused, type ColabApi, type Wish} from './api.ts'
import {PrivateApi} from './private.ts'
import {PublicApi} from './public.ts'

const wish: Wish = {key: 'cgpu-0123456789abcdef', variant: 'GPU', accelerator: 'T4', highMemory: false}
const proxyT = {token: 'proxy', tokenExpiresInSeconds: 3600, url: 'https://8080-x.prod.colab.dev'}
const proxyG = {token: 'proxy', tokenTtl: '3600s', url: 'https://8080-x.prod.colab.dev'}
const runtime = {
  name: 'runtimes/cgpu-0123456789abcdef', runtimeSpec: {variant: 'VARIANT_GPU', accelerator: 'T4', shape: 'SHAPE_STANDARD'}, version: '2026.01',
  connectionInfo: {endpoint: 'gpu-t4-s-1', token: 'proxy', url: 'https://8080-x.prod.colab.dev', expireTime: '2026-11-22T13:00:00Z'},
}

/** Each call with an answer that it takes. */
const calls: [string, unknown, (api: ColabApi) => Promise<unknown>, 'private' | 'public'][] = [
  ['assignments (G)', {assignments: [{endpoint: 'e', accelerator: 'T4', variant: 'VARIANT_GPU', machineShape: 'SHAPE_DEFAULT', runtimeProxyInfo: proxyG, notebookIdHash: 'h'}]}, (api) => api.assignments(), 'private'],
  ['assign (T)', {token: 'xsrf', outcome: 4, endpoint: 'e', accelerator: 'T4', variant: 1, machineShape: 0, fit: 5400, runtimeProxyInfo: proxyT}, (api) => api.assign(wish), 'private'],
  ['withdraw (T)', {token: 'xsrf', endpoint: 'e', runtimeProxyInfo: proxyT}, (api) => api.withdraw(wish.key), 'private'],
  ['unassign (T)', {token: 'xsrf'}, (api) => api.unassign({endpoint: 'e'}), 'private'],
  ['user-info (G)', {
    subscriptionTier: 'SUBSCRIPTION_TIER_PRO', paidComputeUnitsBalance: 4.5, eligibleAccelerators: [{variant: 'VARIANT_GPU', models: ['T4']}],
    ineligibleAccelerators: [{variant: 'VARIANT_TPU', models: ['V5E1']}], consumptionRateHourly: 1.7, assignmentsCount: 1,
    freeCcuQuotaInfo: {remainingTokens: '30000', nextRefillTimestampSec: 1_790_000_000},
  }, async (api) => acceleratorsOf(await api.userInfo({consumption: true})), 'private'],
  ['proxy token (G)', proxyG, (api) => api.proxyToken({endpoint: 'e'}, 8080), 'private'],
  ['propagation (T)', {token: 'xsrf', success: false, unauthorized_redirect_uri: 'https://accounts.google.com/'}, (api) => api.propagate('e', 'drive', true), 'private'],
  ['keep-alive (T)', {}, (api) => api.keepAlive('e'), 'private'],
  ['runtimes (P)', {runtimes: [runtime], assignments: []}, (api) => api.assignments(), 'public'],
  ['create (P)', {name: 'operations/1', done: true, response: runtime}, (api) => api.assign(wish), 'public'],
  ['create (P), refused', {name: 'operations/1', done: true, error: {code: 9, message: 'no', details: [{reason: 'DENYLISTED'}]}}, (api) => api.assign(wish), 'public'],
  ['get (P)', runtime, (api) => api.proxyToken({endpoint: 'e', name: 'runtimes/x'}, 8080), 'public'],
]

function apiOf(dialect: string, status: number, body: Buffer, headers: HttpAnswer['headers'] = {}): ColabApi {
  const transport = {send: (): Promise<HttpAnswer> => Promise.resolve({status, headers, body})}
  const accounts = {token: () => Promise.resolve('secret-token-0001'), current: () => Promise.reject(new Error('unused')), list: () => Promise.resolve([])}
  const effects = {...realEffects, sleep: () => Promise.resolve()}
  const client = new ControlClient({hosts: googleHosts(() => undefined), accounts, account: 'google:ada@example.com', transport, effects})
  const spoken = new PrivateApi(client)
  return dialect === 'public' ? new PublicApi(client, spoken) : spoken
}

/** Whatever comes: an answer of the right shape, or an error that the user can read. */
async function survives(asking: Promise<unknown>): Promise<void> {
  try {
    await asking
  } catch (error) {
    if (error instanceof AssignRefused) return
    assert.ok(error instanceof CgpuError, error instanceof Error ? error.stack : String(error))
    assert.ok(error.fix)
    assert.ok(!`${error.message}${JSON.stringify(error.details)}`.includes('secret-token'))
    // eslint-disable-next-line no-control-regex -- what must not reach a terminal
    assert.doesNotMatch(error.message, /[\x00-\x1f\x7f-\x9f]/)
  }
}

/** The value with one place in it replaced, or taken out. */
function spoilt(value: unknown): fc.Arbitrary<unknown> {
  const paths: (string | number)[][] = []
  const walk = (one: unknown, path: (string | number)[]): void => {
    paths.push(path)
    if (typeof one === 'object' && one !== null) for (const [key, inner] of Object.entries(one)) walk(inner, [...path, key])
  }
  walk(value, [])
  const odd = fc.oneof(
    fc.jsonValue(), fc.string({unit: 'binary'}), fc.double(), fc.constantFrom(undefined, null, -1, 0, '', [], {}, 1e308, '9'.repeat(30), '__proto__', 'http://x', 'https://u:p@x/'),
  )
  return fc.tuple(fc.constantFrom(...paths), odd).map(([path, replacement]) => {
    if (path.length === 0) return replacement
    const copy: unknown = structuredClone(value)
    let at = copy as Record<string | number, unknown>
    for (const step of path.slice(0, -1)) at = at[step] as Record<string | number, unknown>
    at[path.at(-1) ?? ''] = replacement
    return copy
  })
}

describe('answers of Colab that are not as they should be', () => {
  for (const [name, good, ask, dialect] of calls) {
    it(`${name}: the good one is taken`, async () => {
      const asking = ask(apiOf(dialect, 200, Buffer.from(JSON.stringify(good))))
      if (name.includes('refused')) await assert.rejects(asking, AssignRefused)
      else await assert.doesNotReject(asking)
    })

    it(`${name}: one place in it is wrong`, async () => {
      await fc.assert(fc.asyncProperty(spoilt(good), async (body) => survives(ask(apiOf(dialect, 200, Buffer.from(JSON.stringify(body) ?? ''))))), {numRuns: 300})
    })

    it(`${name}: any JSON, any bytes, any status`, async () => {
      const body = fc.oneof(fc.json().map((text) => Buffer.from(text)), fc.uint8Array({maxLength: 60}).map((bytes) => Buffer.from(bytes)))
      const headers = fc.record({'retry-after': fc.string(), location: fc.string({unit: 'binary'}), 'content-type': fc.string()})
      await fc.assert(fc.asyncProperty(body, fc.oneof(fc.constant(200), fc.integer({min: 100, max: 599})), headers, async (bytes, status, more) =>
        survives(ask(apiOf(dialect, status, bytes, more)))), {numRuns: 200})
    })
  }

  for (const dialect of ['private', 'public'] as const) {
    it(`takes an error under a good status for no list (${dialect})`, async () => {
      const body = Buffer.from(JSON.stringify({error: {code: 13, message: 'internal'}}))
      await assert.rejects(apiOf(dialect, 200, body).assignments(), (error) => error instanceof CgpuError && error.code === 'PROTOCOL')
    })
  }

  it('shows any accelerator under an id that is safe', () => {
    fc.assert(fc.property(fc.string({unit: 'binary'}), fc.string(), (model, variant) => {
      const {id, name} = acceleratorFor(model, variant)
      assert.match(id, /^[a-z0-9-]*$/)
      // eslint-disable-next-line no-control-regex -- what must not reach a terminal
      assert.doesNotMatch(name, /[\x00-\x1f]/)
      const got: Pick<Assignment, 'accelerator' | 'variant' | 'shape'> = {accelerator: model, variant, shape: 'standard'}
      assert.equal(mismatch({...wish, accelerator: model}, got), undefined)
    }))
  })
})
