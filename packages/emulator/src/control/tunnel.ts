import {type Context, Hono} from 'hono'
import {z} from 'zod'
import type {Account} from '../world/account.ts'
import type {Assignment} from '../world/assignment.ts'
import {type AssignRequest, type Refusal, resolveRequest} from '../world/request.ts'
import type {World} from '../world/world.ts'
import {bearer} from './bearer.ts'
import {credentials} from './credentials.ts'
import {type ControlEnv, refuse} from './error.ts'
import {forward} from './forward.ts'
import {needTunnel, ownMachine, queryOf} from './input.ts'
import {Xsrf} from './xsrf.ts'

const variants = {DEFAULT: 0, GPU: 1, TPU: 2} as const
const outcomes = {quota: 1, usage: 2, success: 4, denylisted: 5} as const

const assignQuery = z.object({
  nbh: z.string().regex(/^[a-zA-Z0-9\-_.]{44}$/, 'not a notebook hash'),
  variant: z.enum(['DEFAULT', 'GPU', 'TPU']).optional(),
  accelerator: z.string().regex(/^[A-Za-z0-9-]{0,20}$/, 'not an accelerator').optional(),
  shape: z.enum(['hm', 'standard', '']).optional(),
  runtime_version_label: z.string().max(60).optional(),
})

export const portQuery = z.object({
  endpoint: z.string(),
  port: z.coerce.number().int().min(1).max(65_535).default(8080),
})

/** Dialect T: `/tun/m/…` of Colab's front end. Source: protocol notes, 3.2 to 3.8. */
export function tunnel(world: World): Hono<ControlEnv> {
  const app = new Hono<ControlEnv>()
  const xsrf = new Xsrf(world.dice.hex('xsrf', 32), world.clock)
  const reply = tunnelReply(world)
  const issue = (context: Context<ControlEnv>): string => xsrf.issue(context.get('account').email, context.req.path)
  const needXsrf = (context: Context<ControlEnv>): void => {
    if (!xsrf.fresh(context.req.header('x-goog-colab-token'), context.get('account').email, context.req.path)) throw refuse.xsrf()
  }

  app.use('/tun/m/*', bearer(world, {email: true}))

  app.get('/tun/m/assign', async (context) => {
    const request = assignRequest(context)
    const account = context.get('account')
    const known = world.fleet.byNotebook(account.email, request.nbh)
    if (known !== undefined) return reply(context, await assigned(world, account, known))
    const wanted = resolveRequest(request, account, world.config)
    if ('malformed' in wanted) throw refuse.argument(wanted.malformed)
    return reply(context, {acc: wanted.accelerator, nbh: request.nbh, p: false, token: issue(context), variant: wanted.variant})
  })

  app.post('/tun/m/assign', async (context) => {
    const request = assignRequest(context)
    needXsrf(context)
    const account = context.get('account')
    const result = await world.assign(account, request)
    if ('refusal' in result) return reply(context, {outcome: refusedOutcome(result.refusal, result.message)})
    return reply(context, {...await assigned(world, account, result.assignment), outcome: outcomes.success})
  })

  app.get('/tun/m/unassign/:endpoint', (context) => {
    ownMachine(context, world, context.req.param('endpoint'))
    return reply(context, {token: issue(context)})
  })

  app.post('/tun/m/unassign/:endpoint', async (context) => {
    const {endpoint} = ownMachine(context, world, context.req.param('endpoint'))
    needXsrf(context)
    await world.fleet.end(endpoint, 'unassigned')
    return context.body(null, 204)
  })

  app.get('/tun/m/assignments', (context) => reply(context, {
    assignments: world.fleet.list(context.get('account').email).map((one) => ({
      endpoint: one.endpoint, accelerator: one.accelerator, variant: variants[one.variant], machineShape: one.highMem ? 1 : 0,
      runtimeProxyInfo: proxyInfo(world, one),
    })),
  }))

  app.get('/tun/m/ccu-info', (context) => {
    const account = context.get('account')
    const {eligible, ineligible} = account.settings
    return reply(context, {
      currentBalance: account.balance, consumptionRateHourly: account.rate, assignmentsCount: world.fleet.list(account.email).length,
      eligibleGpus: eligible.GPU, ineligibleGpus: ineligible.GPU, eligibleTpus: eligible.TPU, ineligibleTpus: ineligible.TPU,
      ...freeQuota(account),
    })
  })

  app.get('/tun/m/runtime-proxy-token', async (context) => {
    needTunnel(context)
    const {endpoint, port} = queryOf(context, portQuery)
    const {token, ttl, url} = await world.proxy(ownMachine(context, world, endpoint), port)
    return reply(context, {token, tokenExpiresInSeconds: ttl, url})
  })

  app.route('/', credentials(world, {issue, needXsrf, reply}))

  app.get('/tun/m/:endpoint/keep-alive/', async (context) => {
    needTunnel(context)
    const {endpoint} = ownMachine(context, world, context.req.param('endpoint'))
    world.used(endpoint)
    // as when the front end waits for a machine that never answers
    if (world.config.keepAlive === 'hang') await new Promise(() => undefined)
    return context.body(null, 200)
  })

  app.all('/tun/m/:endpoint/*', (context) => {
    needTunnel(context)
    return forward(context, world, ownMachine(context, world, context.req.param('endpoint')))
  })
  return app
}

export type Reply = (context: Context<ControlEnv>, body: unknown) => Response

/** One line of JSON, behind the prefix that keeps it from being run as a script. */
export function tunnelReply(world: World): Reply {
  return (context, body) => {
    context.header('Content-Type', 'application/json; charset=UTF-8')
    return context.body(`${world.config.xssi ? ")]}'\n" : ''}${JSON.stringify(body)}`)
  }
}

/** Sent only when the paid balance is used up. The token count is thousandths of a compute unit. */
export function freeQuota(account: Account): Record<string, unknown> {
  if (account.balance > 0) return {}
  const {remaining, refillsAt} = account.free
  return {freeCcuQuotaInfo: {remainingTokens: String(Math.floor(remaining * 1000)), nextRefillTimestampSec: Math.ceil(refillsAt / 1000)}}
}

function assignRequest(context: Context): AssignRequest {
  const query = queryOf(context, assignQuery)
  return {
    nbh: query.nbh, variant: query.variant, accelerator: query.accelerator, highMem: query.shape === 'hm', version: query.runtime_version_label,
  }
}

function refusedOutcome(refusal: Refusal, message: string): number {
  switch (refusal) {
    case 'quota': case 'usage': case 'denylisted': return outcomes[refusal]
    case 'malformed': case 'not-entitled': throw refuse.argument(message)
    case 'too-many': throw refuse.tooMany(message)
    case 'unavailable': throw refuse.unavailable(message)
  }
}

function proxyInfo(world: World, assignment: Assignment): Record<string, unknown> {
  const token = world.proxyTokens.current(assignment.endpoint, 8080)
  return {token: token.token, tokenExpiresInSeconds: world.proxyTokens.secondsLeft(token), url: assignment.machine.url}
}

async function assigned(world: World, account: Account, assignment: Assignment): Promise<Record<string, unknown>> {
  const {tier, balance, allowedCredentials} = account.settings
  const {token, ttl, url} = await world.proxy(assignment, 8080)
  return {
    accelerator: assignment.accelerator, endpoint: assignment.endpoint, fit: world.config.fit, allowedCredentials,
    sub: tier === 'free' ? (balance > 0 ? 3 : 1) : 2, subTier: {free: 0, pro: 1, 'pro+': 2}[tier],
    variant: variants[assignment.variant], machineShape: assignment.highMem ? 1 : 0,
    runtimeProxyInfo: {token, tokenExpiresInSeconds: ttl, url},
  }
}
