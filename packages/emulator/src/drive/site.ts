import {getRequestListener} from '@hono/node-server'
import type {Drive, SiteHandler} from '../contract.ts'

/** Drive alone on an origin of its own. */
export function driveSite(drive: Drive): SiteHandler {
  const listener = getRequestListener(drive.app.fetch, {overrideGlobalObjects: false})
  return {request: (request, response) => void listener(request, response)}
}
