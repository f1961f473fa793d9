import assert from 'node:assert/strict'
import {startControl, type TestControl} from '../../../../test/helpers/control-plane.ts'

describe('dialect G', () => {
  let control: TestControl
  beforeEach(async () => { control = await startControl() })
  afterEach(() => control.stop())

  const assign = async (request: {accelerator?: string; highMem?: boolean} = {}): Promise<string> => {
    const account = control.world.account('me@example.com')
    assert.ok(account)
    const result = await control.world.assign(account, {nbh: 'n'.repeat(44), highMem: false, ...request})
    assert.ok('assignment' in result)
    return result.assignment.endpoint
  }

  it('tells the account, with consumption only when asked', async () => {
    await assign({accelerator: 'T4'})
    const plain = await control.json('/v1/user-info')
    assert.deepEqual({...plain, paidComputeUnitsBalance: Math.round(Number(plain['paidComputeUnitsBalance']))}, {
      subscriptionTier: 'SUBSCRIPTION_TIER_PRO', paidComputeUnitsBalance: 100,
      eligibleAccelerators: [{variant: 'VARIANT_GPU', models: ['T4', 'L4', 'A100']}, {variant: 'VARIANT_TPU', models: ['V5E1']}],
      ineligibleAccelerators: [{variant: 'VARIANT_GPU', models: ['H100']}],
    })
    const full = await control.json('/v1/user-info?get_ccu_consumption_info=true&authuser=0')
    assert.deepEqual([full['consumptionRateHourly'], full['assignmentsCount'], full['freeCcuQuotaInfo']], [1.2, 1, undefined])
    const free = await control.json('/v1/user-info?get_ccu_consumption_info=true', {as: 'free@example.com'}) as {freeCcuQuotaInfo: {remainingTokens: string}}
    assert.equal(free.freeCcuQuotaInfo.remainingTokens, '30000')
  })

  it('lets the balance fall with the clock', async () => {
    const endpoint = await assign({accelerator: 'T4'})
    control.world.used(endpoint)
    await control.world.advance(3_600_000)
    const {paidComputeUnitsBalance} = await control.json('/v1/user-info')
    assert.ok(Math.abs(Number(paidComputeUnitsBalance) - 98.8) < 0.01)
  })

  it('lists assignments as ProtoJSON, and an empty list as nothing', async () => {
    assert.deepEqual(await control.json('/v1/assignments'), {})
    const endpoint = await assign({accelerator: 'L4'})
    const {assignments} = await control.json('/v1/assignments') as {assignments: {runtimeProxyInfo: {token: string; tokenTtl: string; url: string}}[]}
    const [{runtimeProxyInfo, ...row} = {runtimeProxyInfo: undefined}] = assignments
    assert.deepEqual(row, {
      endpoint, accelerator: 'L4', variant: 'VARIANT_GPU', machineShape: 'SHAPE_HIGH_MEM', runtimeVersionLabel: '2026.01', notebookIdHash: 'n'.repeat(44),
    })
    assert.equal(runtimeProxyInfo?.tokenTtl, '3600s')
    assert.equal(control.world.checkToken(endpoint, 8080, runtimeProxyInfo?.token ?? ''), 'ok')
  })

  it('mints another proxy token each time, and keeps the old one', async () => {
    const endpoint = await assign()
    const path = `/v1/runtime-proxy-token?endpoint=${endpoint}&port=8080`
    const [one, other] = [await control.json(path), await control.json(path)]
    assert.equal(one['tokenTtl'], '3600s')
    assert.notEqual(one['token'], other['token'])
    for (const {token} of [one, other]) assert.equal(control.world.checkToken(endpoint, 8080, String(token)), 'ok')
    assert.equal((await control.call('/v1/runtime-proxy-token?endpoint=m-s-none&port=8080')).status, 404)
  })

  it('says what is wrong in the form of Google', async () => {
    const response = await control.call('/v1/no-such-thing')
    assert.equal(response.status, 404)
    const {error} = await response.json() as {error: Record<string, unknown>}
    assert.deepEqual([error['code'], error['status']], [404, 'NOT_FOUND'])
    assert.equal((await control.call('/v1/user-info', {headers: {authorization: 'Bearer x'}})).status, 401)
  })

  it('answers 500 when a machine does not start, and counts none', async () => {
    control.host.start = () => Promise.reject(new Error('no Python here'))
    const warnings: string[] = []
    const note = (warning: Error): void => void warnings.push(warning.message)
    // node's own listener prints them
    const printers = process.listeners('warning')
    process.removeAllListeners('warning').on('warning', note)
    try {
      const path = `/tun/m/assign?nbh=${'n'.repeat(44)}`
      const {token} = await control.json(path)
      const response = await control.call(path, {method: 'POST', headers: {'x-goog-colab-token': String(token)}})
      assert.equal(response.status, 500)
      assert.match(await response.text(), /no Python here/)
      assert.deepEqual(await control.json('/v1/assignments'), {})
      await new Promise((resolve) => setImmediate(resolve))
      assert.deepEqual(warnings, ['no Python here'])
    } finally {
      process.off('warning', note)
      for (const printer of printers) process.on('warning', printer)
    }
  })
})
