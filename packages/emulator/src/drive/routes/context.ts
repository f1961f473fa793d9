import type {Context} from 'hono'
import type {Blobs} from '../blobs.ts'
import {type Shape, parseFields, select} from '../fields.ts'
import {refuse} from '../errors.ts'
import type {Contents} from '../contents.ts'
import type {Files} from '../files.ts'
import type {Session} from '../session.ts'
import type {Store} from '../store.ts'
import type {Uploads} from '../upload/resumable.ts'

export interface Parts {
  store: Store
  blobs: Blobs
  contents: Contents
  files: Files
  uploads: Uploads
}

export interface DriveEnv {
  Variables: {session: Session}
}

export type DriveContext = Context<DriveEnv>

/** Answers a resource: what `fields` selects of it, else `initial`. Throws 400 for fields that do not exist. */
export function answer(context: DriveContext, resource: Record<string, unknown>, shape: Shape, initial: string): Response {
  const picked = select(resource, parseFields(context.req.query('fields') || initial, shape))
  return context.json(picked as Record<string, unknown>) // a part of an object is one
}

/** `fields` is looked at before anything is changed. */
export function checkFields(context: DriveContext, shape: Shape): void {
  const fields = context.req.query('fields')
  if (fields !== undefined && fields !== '') parseFields(fields, shape)
  const alt = context.req.query('alt')
  if (alt !== undefined && alt !== 'json' && alt !== 'media') throw refuse.value('alt', `Invalid value '${alt.slice(0, 40)}'.`)
}

/** `true` and `false`, as Google takes them. */
export const flagOf = (context: DriveContext, name: string): boolean => context.req.query(name) === 'true'
