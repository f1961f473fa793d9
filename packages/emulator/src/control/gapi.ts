import {Hono} from 'hono'
import type {World} from '../world/world.ts'
import {bearer} from './bearer.ts'
import type {ControlEnv} from './error.ts'
import {ownMachine, queryOf} from './input.ts'
import {freeQuota, portQuery} from './tunnel.ts'

export const tierNames = {free: 'NONE', pro: 'PRO', 'pro+': 'PRO_PLUS'} as const
const variants = {DEFAULT: 'VARIANT_UNSPECIFIED', GPU: 'VARIANT_GPU', TPU: 'VARIANT_TPU'} as const

/** Dialect G: Google's private API, `/v1/…`. Source: protocol notes, 3.4, 3.5, 3.8. */
export function gapi(world: World): Hono<ControlEnv> {
  const app = new Hono<ControlEnv>()
  for (const path of ['/v1/user-info', '/v1/assignments', '/v1/runtime-proxy-token']) app.use(path, bearer(world))

  app.get('/v1/user-info', (context) => {
    const account = context.get('account')
    const {tier, eligible, ineligible} = account.settings
    const consumption = context.req.query('get_ccu_consumption_info') === 'true'
      ? {consumptionRateHourly: account.rate, assignmentsCount: world.fleet.list(account.email).length, ...freeQuota(account)}
      : {}
    return context.json({
      subscriptionTier: `SUBSCRIPTION_TIER_${tierNames[tier]}`,
      paidComputeUnitsBalance: account.balance,
      eligibleAccelerators: rows(eligible),
      ineligibleAccelerators: rows(ineligible),
      ...consumption,
    })
  })

  app.get('/v1/assignments', (context) => {
    const assignments = world.fleet.list(context.get('account').email).map((one) => {
      const token = world.proxyTokens.current(one.endpoint, 8080)
      return {
        endpoint: one.endpoint, accelerator: one.accelerator, variant: variants[one.variant],
        machineShape: one.highMem ? 'SHAPE_HIGH_MEM' : 'SHAPE_DEFAULT',
        runtimeProxyInfo: {token: token.token, tokenTtl: `${world.proxyTokens.secondsLeft(token)}s`, url: one.machine.url},
        runtimeVersionLabel: one.version, notebookIdHash: one.nbh,
      }
    })
    // as ProtoJSON has it: an empty list is not there
    return context.json(assignments.length === 0 ? {} : {assignments})
  })

  app.get('/v1/runtime-proxy-token', async (context) => {
    const {endpoint, port} = queryOf(context, portQuery)
    const {token, ttl, url} = await world.proxy(ownMachine(context, world, endpoint), port)
    return context.json({token, tokenTtl: `${ttl}s`, url})
  })
  return app
}

function rows(models: {GPU: string[]; TPU: string[]}): {variant: string; models: string[]}[] {
  return [{variant: 'VARIANT_GPU', models: models.GPU}, {variant: 'VARIANT_TPU', models: models.TPU}].filter((row) => row.models.length > 0)
}
