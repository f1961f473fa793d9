import {type Context, Hono} from 'hono'
import {z} from 'zod'
import type {World} from '../world/world.ts'
import type {ControlEnv} from './error.ts'
import {ownMachine, queryOf} from './input.ts'
import {consentUrl} from './consent.ts'
import type {Reply} from './tunnel.ts'

const kinds = {dfs_ephemeral: 'drive', auth_user_ephemeral: 'user'} as const

const query = z.object({
  authtype: z.enum(['dfs_ephemeral', 'auth_user_ephemeral']),
  version: z.literal('2').optional(),
  dryrun: z.enum(['true', 'false']).default('false'),
  propagate: z.enum(['true', 'false']).default('true'),
  record: z.enum(['true', 'false']).optional(),
})

interface Paired {
  issue: (context: Context<ControlEnv>) => string
  needXsrf: (context: Context<ControlEnv>) => void
  reply: Reply
}

/** Lets a machine act for its account, once the person agreed on a page. Source: protocol notes, 3.7. */
export function credentials(world: World, {issue, needXsrf, reply}: Paired): Hono<ControlEnv> {
  const path = '/tun/m/credentials-propagation/:endpoint'
  const app = new Hono<ControlEnv>()

  app.get(path, (context) => {
    ownMachine(context, world, context.req.param('endpoint'))
    queryOf(context, query)
    return reply(context, {token: issue(context)})
  })

  // a body, which one client sends, says nothing that counts
  app.post(path, (context) => {
    const assignment = ownMachine(context, world, context.req.param('endpoint'))
    const {authtype, dryrun, propagate} = queryOf(context, query)
    needXsrf(context)
    const {consent, allowedCredentials} = context.get('account').settings
    const kind = kinds[authtype]
    if (!allowedCredentials) return reply(context, {success: false})
    if (!consent[kind]) return reply(context, {success: false, unauthorized_redirect_uri: consentUrl(world, new URL(context.req.url).origin, assignment.email, kind)})
    if (dryrun === 'false' && propagate === 'true') assignment.credentials.add(kind)
    return reply(context, {success: true})
  })
  return app
}
