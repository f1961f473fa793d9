import {errnoOf} from '@cgpu/core/state/write-error'
import {Hono} from 'hono'
import type {BearerCheck} from '../contract.ts'
import {DriveError, refuse} from './errors.ts'
import {aboutRoutes, changeRoutes, revisionRoutes} from './routes/other.ts'
import type {DriveEnv, Parts} from './routes/context.ts'
import {fileRoutes} from './routes/files.ts'
import {permissionRoutes} from './routes/permissions.ts'
import {uploadRoutes} from './routes/upload.ts'
import {Session} from './session.ts'

export interface AppOptions {
  bearer: BearerCheck
  parts: Parts
  /** before a request is answered */
  before: () => Promise<void>
  /** when it was, before the answer leaves */
  after: () => Promise<void>
}

/** The API, at the paths of `https://www.googleapis.com`. */
export function driveApp({bearer, parts, before, after}: AppOptions): Hono<DriveEnv> {
  const app = new Hono<DriveEnv>()
  app.onError((error, context) => {
    if (error instanceof DriveError) return error.answer(context)
    // a client that hangs up amid its upload is no fault of ours
    if (errnoOf(error) !== 'ECONNRESET') process.emitWarning(error)
    return new DriveError(500, 'internalError', 'Internal Error').answer(context)
  })
  for (const path of ['/drive/v3/*', '/upload/drive/v3/*']) {
    app.use(path, async (context, next) => {
      const authorization = context.req.header('authorization')
      // the address of an upload session is permission enough to go on with it
      const upload = authorization === undefined && ['PUT', 'DELETE'].includes(context.req.method) ? context.req.query('upload_id') : undefined
      const caller = upload === undefined ? bearer.caller(authorization) : parts.uploads.find(upload).caller
      if (!caller) throw refuse.signIn()
      await before()
      context.set('session', new Session(parts.store, caller))
      await next()
      await after()
    })
  }
  fileRoutes(app, parts)
  uploadRoutes(app, parts)
  permissionRoutes(app, parts)
  revisionRoutes(app, parts)
  changeRoutes(app, parts)
  aboutRoutes(app, parts)
  for (const path of ['/drive/v3/*', '/upload/drive/v3/*']) app.all(path, () => { throw refuse.noMethod() })
  return app
}
