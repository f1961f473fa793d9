import {Hono} from 'hono'
import {bodyLimit} from 'hono/body-limit'
import type {ControlEnv} from '../control/error.ts'
import type {World} from '../world/world.ts'
import {authorize} from './authorize.ts'
import {Codes} from './codes.ts'
import {IdTokens} from './id-token.ts'
import {info} from './info.ts'
import {tokenEndpoint} from './token.ts'

/** Google's sign-in: consent page, tokens, profile. */
export function oauth(world: World): Hono<ControlEnv> {
  const app = new Hono<ControlEnv>()
  const codes = new Codes(world.clock, world.dice)
  const ids = new IdTokens(world)
  const limit = bodyLimit({maxSize: 1 << 16, onError: (context) => context.json({error: 'invalid_request', error_description: 'the body is too large'}, 413)})
  for (const path of ['/token', '/revoke', '/tokeninfo', '/o/oauth2/*']) app.use(path, limit)
  app.route('/', authorize(world, codes))
  app.route('/', tokenEndpoint(world, codes, ids))
  app.route('/', info(world, ids))
  return app
}
