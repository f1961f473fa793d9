import {getRequestListener} from '@hono/node-server'
import {Hono} from 'hono'
import type {SiteHandler} from '../contract.ts'
import type {World} from '../world/world.ts'
import {BodyTooLarge} from './body.ts'
import {consent} from './consent.ts'
import {answerError, ApiError, refuse} from './error.ts'
import {oauth} from '../oauth/app.ts'
import {gapi} from './gapi.ts'
import {pages} from './pages.ts'
import {publicApi} from './public.ts'
import {tunnel} from './tunnel.ts'
import {tunnelUpgrade} from './upgrade.ts'

export interface ControlParts {
  world: World
  /** other services on the same origin: Drive */
  mount?: Hono[]
}

/** Everything that Google's hosts answer, on one origin: the paths do not overlap (protocol notes, 1.7). */
export function controlApp({world, mount = []}: ControlParts): Hono {
  const app = new Hono()
  app.route('/', oauth(world))
  app.route('/', gapi(world))
  app.route('/', publicApi(world))
  app.route('/', pages(world))
  app.route('/', consent(world))
  app.route('/', tunnel(world))
  for (const service of mount) app.route('/', service)
  app.notFound((context) => answerError(context, refuse.notFound()))
  app.onError((error, context) => {
    if (error instanceof ApiError) return answerError(context, error)
    if (error instanceof BodyTooLarge) return answerError(context, new ApiError(413, 'INVALID_ARGUMENT', error.message))
    process.emitWarning(error)
    return answerError(context, new ApiError(500, 'INTERNAL', error.message))
  })
  return app
}

/** The same, as the frame wants it. */
export function controlHandler(parts: ControlParts): SiteHandler {
  const listener = getRequestListener(controlApp(parts).fetch, {overrideGlobalObjects: false})
  return {request: (request, response) => void listener(request, response), upgrade: tunnelUpgrade(parts.world)}
}
