import {type Context, Hono} from 'hono'
import {z} from 'zod'
import type {Account} from '../world/account.ts'
import {modelOf} from '../world/accelerators.ts'
import type {Assignment} from '../world/assignment.ts'
import {type Refusal, resolveRequest} from '../world/request.ts'
import type {World} from '../world/world.ts'
import {bearer} from './bearer.ts'
import {limitedText} from './body.ts'
import {ApiError, type ControlEnv, refuse} from './error.ts'
import {checked, queryOf} from './input.ts'
import {type OperationError, operationJson, type OperationResult, Operations} from './operations.ts'

const variants = {DEFAULT: 'VARIANT_CPU', GPU: 'VARIANT_GPU', TPU: 'VARIANT_TPU'} as const
const tiers = {free: 'FREE', pro: 'PRO', 'pro+': 'PRO_PLUS'} as const

const runtimeBody = z.object({
  runtimeSpec: z.object({
    variant: z.enum(['VARIANT_CPU', 'VARIANT_GPU', 'VARIANT_TPU']),
    accelerator: z.string().regex(/^[A-Za-z0-9-]{0,20}$/, 'not an accelerator').default('NONE'),
    shape: z.enum(['SHAPE_UNSPECIFIED', 'SHAPE_STANDARD', 'SHAPE_HIGHMEM']).default('SHAPE_STANDARD'),
  }),
  version: z.string().max(60).optional(),
})
const createQuery = z.object({
  requestId: z.uuid({version: 'v4'}).optional(),
  // RFC 1034; what looks like a UUID would be taken for a machine of dialect T
  runtimeId: z.string().regex(/^[a-z]([a-z0-9-]{0,61}[a-z0-9])?$/, 'not a lower-case label').optional(),
})
const waitQuery = z.object({timeout: z.string().regex(/^\d{1,6}(\.\d{1,9})?s$/, 'not a duration').default('60s')})
const pageQuery = z.object({pageSize: z.coerce.number().int().min(0).max(1000).default(0), pageToken: z.string().regex(/^\d{0,9}$/, 'not a page token').default('')})

const refusals: Record<Exclude<Refusal, 'malformed'>, Omit<OperationError, 'message'>> = {
  'too-many': {code: 'RESOURCE_EXHAUSTED', reason: 'TOO_MANY_ACTIVE_RUNTIMES'},
  denylisted: {code: 'PERMISSION_DENIED', reason: 'DENYLISTED'},
  usage: {code: 'RESOURCE_EXHAUSTED', reason: 'QUOTA_EXCEEDED_USAGE_TIME'},
  quota: {code: 'FAILED_PRECONDITION', reason: 'QUOTA_DENIED_REQUESTED_VARIANTS'},
  'not-entitled': {code: 'PERMISSION_DENIED', reason: 'NOT_ENTITLED'},
  unavailable: {code: 'FAILED_PRECONDITION', reason: 'ACCELERATOR_UNAVAILABLE'},
}

/** Dialect P: the public API. Source: protocol notes, 3.11. */
export function publicApi(world: World): Hono<ControlEnv> {
  const app = new Hono<ControlEnv>()
  const operations = new Operations(world.clock, world.dice)
  world.onReset(() => operations.clear())

  app.use('/v1beta/*', bearer(world, {readonly: true}))
  app.use('/v1/operations/*', bearer(world, {readonly: true}))

  app.get('/v1beta/subscription', (context) =>
    context.json({name: 'subscription', tier: `SUBSCRIPTION_TIER_${tiers[context.get('account').settings.tier]}`}))

  app.get('/v1beta/runtimespecs', (context) => context.json({runtimeSpecs: specs(context.get('account'))}))

  app.get('/v1beta/runtimes', (context) => {
    const runtimes = world.fleet.list(context.get('account').email).map((one) => runtimeJson(world, one))
    return context.json(runtimes.length === 0 ? {} : {runtimes})
  })

  app.post('/v1beta/runtimes', async (context) => {
    const account = context.get('account')
    const {requestId, runtimeId} = queryOf(context, createQuery)
    const known = requestId === undefined ? undefined : operations.byRequest(account.email, requestId)
    if (known !== undefined) return context.json(operationJson(known))
    const {runtimeSpec: spec, version} = checked(await bodyOf(context), runtimeBody)
    const name = runtimeId ?? `rt-${world.dice.hex('runtime', 8)}`
    const request = {
      // no notebook hash of dialect T has a colon
      nbh: `runtime:${name}`, runtimeId: name, accelerator: spec.accelerator, highMem: spec.shape === 'SHAPE_HIGHMEM', version,
      variant: spec.variant === 'VARIANT_CPU' ? 'DEFAULT' as const : spec.variant === 'VARIANT_GPU' ? 'GPU' as const : 'TPU' as const,
    }
    const wanted = resolveRequest(request, account, world.config)
    if ('malformed' in wanted) throw refuse.argument(wanted.malformed)
    const taken = world.fleet.byRuntimeId(account.email, name) !== undefined || operations.list(account.email).some((one) => one.runtime === name && one.done === undefined)
    const create = async (): Promise<OperationResult> => {
      if (taken) return {error: {code: 'ALREADY_EXISTS', message: `runtimes/${name} already exists`}}
      const result = await world.assign(account, request)
      if ('assignment' in result) return {response: runtimeJson(world, result.assignment)}
      return {error: {message: result.message, ...(result.refusal === 'malformed' ? {code: 'INVALID_ARGUMENT'} : refusals[result.refusal])}}
    }
    // answered before it is known how it ends
    return context.json(operationJson(operations.start(account.email, name, requestId, create())))
  })

  const own = (context: Context<ControlEnv>): Assignment => {
    const assignment = world.fleet.byRuntimeId(context.get('account').email, context.req.param('runtime') ?? '')
    if (assignment === undefined) throw refuse.notFound()
    return assignment
  }
  app.get('/v1beta/runtimes/:runtime', (context) => context.json(runtimeJson(world, own(context))))
  app.delete('/v1beta/runtimes/:runtime', async (context) => {
    await world.fleet.end(own(context).endpoint, 'unassigned')
    return context.json({})
  })

  app.get('/v1/operations', (context) => {
    const {pageSize, pageToken} = queryOf(context, pageQuery)
    const all = operations.list(context.get('account').email)
    const start = Number(pageToken)
    const end = start + (pageSize === 0 ? 50 : pageSize)
    return context.json({operations: all.slice(start, end).map(operationJson), ...(end < all.length && {nextPageToken: String(end)})})
  })

  app.get('/v1/operations/:id', async (context) => {
    const {id, wait} = operationId(context.req.param('id'))
    const operation = operations.get(context.get('account').email, id)
    if (operation === undefined) throw refuse.notFound()
    if (wait) await operations.wait(operation, Number.parseFloat(queryOf(context, waitQuery).timeout) * 1000)
    return context.json(operationJson(operation))
  })
  return app
}

function operationId(text: string): {id: string; wait: boolean} {
  return text.endsWith(':wait') ? {id: text.slice(0, -':wait'.length), wait: true} : {id: text, wait: false}
}

async function bodyOf(context: Context): Promise<unknown> {
  const text = await limitedText(context, 1 << 20)
  try {
    return JSON.parse(text)
  } catch {
    throw new ApiError(400, 'INVALID_ARGUMENT', 'Invalid JSON payload received.')
  }
}

function runtimeJson(world: World, assignment: Assignment): Record<string, unknown> {
  const token = world.proxyTokens.current(assignment.endpoint, 8080)
  return {
    name: `runtimes/${assignment.runtimeId}`,
    runtimeSpec: {
      variant: variants[assignment.variant], accelerator: assignment.accelerator, shape: assignment.highMem ? 'SHAPE_HIGHMEM' : 'SHAPE_STANDARD',
    },
    version: assignment.version,
    connectionInfo: {endpoint: assignment.endpoint, token: token.token, url: assignment.machine.url, expireTime: new Date(token.expiresAt).toISOString()},
  }
}

function specs({settings: {tier, eligible, ineligible}}: Account): unknown[] {
  const rows = [
    {variant: 'DEFAULT' as const, accelerator: 'NONE', able: true},
    ...(['GPU', 'TPU'] as const).flatMap((variant) => [
      ...eligible[variant].map((accelerator) => ({variant, accelerator, able: true})),
      ...ineligible[variant].map((accelerator) => ({variant, accelerator, able: false})),
    ]),
  ]
  return rows.flatMap(({variant, accelerator, able}) => {
    const shapes = modelOf(accelerator)?.highMemOnly === true ? ['SHAPE_HIGHMEM'] : ['SHAPE_STANDARD', 'SHAPE_HIGHMEM']
    return shapes.map((shape) => ({
      key: {variant: variants[variant], accelerator, shape},
      // high memory by choice is for those who pay
      eligible: able && (shape === 'SHAPE_STANDARD' || shapes.length === 1 || tier !== 'free'),
    }))
  })
}
