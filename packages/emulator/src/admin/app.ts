import {timingSafeEqual} from 'node:crypto'
import {type Context, Hono} from 'hono'
import type {z} from 'zod'
import {CgpuError, errors} from '@cgpu/core/errors'
import type {Emulator} from '../emulator.ts'
import {faultRuleSchema} from '../faults/rule.ts'
import {builtInScenarios} from '../scenario/built-in.ts'
import {loadScenario, parseScenario} from '../scenario/load.ts'
import {eventSchema} from '../scenario/schema.ts'
import {issueLines} from '../scenario/values.ts'
import {accountBody, advanceBody, logQuery, scenarioBody, tokenBody} from './schema.ts'

/** The admin API: JSON in and out, a bearer token, errors as `{error: {code, message, fix}}`. */
export function adminApp(emulator: Emulator, stop: () => void): Hono {
  const {world, faults, log} = emulator
  const app = new Hono()
  app.use(async (context, next) => {
    if (!sameText(context.req.header('authorization') ?? '', `Bearer ${emulator.adminToken}`)) {
      return failure(context, 401, {code: 'ADMIN_TOKEN_REQUIRED', message: 'the admin token is missing or wrong', fix: 'send the header "Authorization: Bearer TOKEN" with the adminToken of: cgpu emulator start --json'})
    }
    return next()
  })

  app.get('/status', (context) => context.json(emulator.status()))
  app.get('/env', (context) => context.json(emulator.env()))
  app.post('/token', async (context) => context.json({token: emulator.token((await body(context, tokenBody)).email)}))
  app.post('/reset', async (context) => {
    await emulator.reset()
    return context.json(emulator.status())
  })
  app.get('/scenarios', (context) => context.json(Object.entries(builtInScenarios).map(([name, {about}]) => ({name, about}))))
  app.post('/scenario', async (context) => {
    const given = await body(context, scenarioBody)
    await emulator.reset('scenario' in given ? {name: given.name, scenario: parseScenario(given.scenario, given.name)} : await builtIn(given.name))
    return context.json(emulator.status())
  })
  app.post('/advance', async (context) => {
    await emulator.clock.advance((await body(context, advanceBody)).by)
    return context.json(emulator.status().clock)
  })
  app.post('/events', async (context) => {
    await emulator.happen(await body(context, eventSchema))
    return context.json({})
  })
  app.get('/faults', (context) => context.json(faults.list()))
  app.post('/faults', async (context) => context.json(faults.add(await body(context, faultRuleSchema)), 201))
  app.delete('/faults', (context) => {
    faults.clear()
    return context.json({})
  })
  app.delete('/faults/:id', (context) => {
    faults.remove(context.req.param('id'))
    return context.json({})
  })
  app.patch('/accounts/:email', async (context) => {
    const email = context.req.param('email')
    await emulator.happen({account: {email, ...(await body(context, accountBody))}})
    return context.json(world.status().accounts.find((one) => one.email === email) ?? {})
  })
  app.get('/log', (context) => context.json(log.query(parsed(context.req.query(), logQuery))))
  app.delete('/log', (context) => {
    log.clear()
    return context.json({})
  })
  app.post('/stop', (context) => {
    stop()
    return context.json({pid: process.pid})
  })

  app.notFound((context) => failure(context, 404, {code: 'NOT_FOUND', message: `there is no ${context.req.method} ${context.req.path}`, fix: null}))
  app.onError((error, context) => {
    if (error instanceof CgpuError) {
      const status = error.exit === 66 ? 404 : error.exit === 72 ? 409 : error.exit === 64 || error.exit === 65 ? 400 : 500
      return failure(context, status, {code: error.code, message: error.message, fix: error.fix ?? null, ...(error.details === undefined ? {} : {details: error.details})})
    }
    return failure(context, 500, {code: 'EMULATOR_BUG', message: error.message, fix: null})
  })
  return app
}

/** Names only: a path would be one of the emulator's machine, not of who asks. */
async function builtIn(name: string): ReturnType<typeof loadScenario> {
  if (Object.hasOwn(builtInScenarios, name)) return loadScenario(name)
  throw errors.notFound(`there is no scenario ${name}`, {code: 'SCENARIO_NOT_FOUND', category: 'usage', fix: `one of: ${Object.keys(builtInScenarios).join(', ')}`})
}

async function body<T extends z.ZodType>(context: Context, schema: T): Promise<z.output<T>> {
  const text = await context.req.text()
  let value: unknown = {}
  try {
    if (text !== '') value = JSON.parse(text)
  } catch {
    throw errors.usage('the body is no JSON', {code: 'INVALID_REQUEST', fix: 'send JSON'})
  }
  return parsed(value, schema)
}

function parsed<T extends z.ZodType>(value: unknown, schema: T): z.output<T> {
  const result = schema.safeParse(value)
  if (result.success) return result.data
  const problems = issueLines(result.error)
  throw errors.usage(`the request is not valid: ${problems[0] ?? ''}`, {code: 'INVALID_REQUEST', fix: 'docs/emulator.md says what may be asked', details: {problems}})
}

interface Failure {
  code: string
  message: string
  fix: string | null
  details?: unknown
}

const failure = (context: Context, status: 400 | 401 | 404 | 409 | 500, error: Failure): Response => context.json({error}, status)

function sameText(a: string, b: string): boolean {
  const [left, right] = [Buffer.from(a), Buffer.from(b)]
  return left.length === right.length && timingSafeEqual(left, right)
}
