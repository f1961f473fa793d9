import {Hono} from 'hono'
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
  world.onReset(() => codes.clear())
  const ids = new IdTokens(world)
  app.route('/', authorize(world, codes))
  app.route('/', tokenEndpoint(world, codes, ids))
  app.route('/', info(world, ids))
  return app
}
