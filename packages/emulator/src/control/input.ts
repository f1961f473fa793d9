import type {Context} from 'hono'
import type {z} from 'zod'
import type {Assignment} from '../world/assignment.ts'
import type {World} from '../world/world.ts'
import {type ControlEnv, refuse} from './error.ts'

/** The query as this schema has it: of a name that is given twice, the first. Throws 400. */
export function queryOf<T extends z.ZodType>(context: Context, schema: T): z.output<T> {
  return checked(context.req.query(), schema)
}

/** What came from a client, or 400 with the first thing that is wrong. */
export function checked<T extends z.ZodType>(input: unknown, schema: T): z.output<T> {
  const result = schema.safeParse(input)
  if (result.success) return result.data
  const issue = result.error.issues[0]
  throw refuse.argument(`Invalid value at '${issue?.path.map(String).join('.') ?? ''}': ${issue?.message ?? 'malformed'}`)
}

/** The caller's own machine of that name. Throws 404. */
export function ownMachine(context: Context<ControlEnv>, world: World, endpoint: string): Assignment {
  const assignment = world.fleet.get(endpoint)
  if (assignment === undefined || assignment.email !== context.get('account').email) throw refuse.notFound('no such assignment')
  return assignment
}

/** The mark of calls that go through the tunnel's front end. Throws 400. */
export function needTunnel(context: Context): void {
  if (context.req.header('x-colab-tunnel') === undefined) throw refuse.tunnel()
}
