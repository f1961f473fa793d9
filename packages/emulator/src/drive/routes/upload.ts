import type {Hono} from 'hono'
import {parseMetadata} from '../body.ts'
import {refuse} from '../errors.ts'
import type {Media} from '../contents.ts'
import type {DriveFile} from '../model.ts'
import {fileResource} from '../resource.ts'
import type {Session} from '../session.ts'
import {fileShape} from '../shapes.ts'
import {bodyOf, readJson, receiveUpload} from '../upload/receive.ts'
import {type UploadSession, parseContentRange} from '../upload/resumable.ts'
import {type DriveContext, type DriveEnv, type Parts, answer, checkFields} from './context.ts'
import {fileDefault, placementOf} from './files.ts'

const base = '/upload/drive/v3/files'

/** `files.create` and `files.update` with content: `uploadType` media, multipart and resumable. */
export function uploadRoutes(app: Hono<DriveEnv>, parts: Parts): void {
  app.post(base, (context) => upload(context, parts, 'create'))
  app.patch(`${base}/:id`, (context) => upload(context, parts, context.get('session').resolve(context.req.param('id'))))
  for (const path of [base, `${base}/:id`]) {
    app.put(path, (context) => piece(context, parts))
    app.delete(path, async (context) => {
      await parts.uploads.cancel(sessionOf(context, parts))
      return context.body(null, 499 as 400) // Google's own status for it
    })
  }
}

async function upload(context: DriveContext, parts: Parts, target: string): Promise<Response> {
  const session = context.get('session')
  session.need(target === 'create' ? 'DriveFiles.Create' : 'DriveFiles.UpdateMedia')
  checkFields(context, fileShape)
  const kind = context.req.query('uploadType') ?? context.req.header('x-goog-upload-protocol')
  if (kind === 'resumable') return begin(context, parts, target)
  if (kind !== 'media' && kind !== 'multipart') throw refuse.value('uploadType', 'The upload type is not one of media, multipart, resumable.')
  const {metadata, media} = await receiveUpload(context.req.raw, kind, parts.blobs)
  return finish(context, parts, {target, metadata, query: context.req.query()}, media)
}

/** Puts the bytes where they belong, or away when that is refused. */
async function finish(context: DriveContext, parts: Parts, {target, metadata, query}: Pick<UploadSession, 'target' | 'metadata' | 'query'>, media: Media | undefined): Promise<Response> {
  const session = context.get('session')
  try {
    const file = await settle(session, parts, {target, metadata, query}, media)
    return answer(context, fileResource(file, session), fileShape, fileDefault)
  } catch (error) {
    if (media) await parts.blobs.discard(media.received)
    throw error
  }
}

function settle(session: Session, {files}: Parts, {target, metadata, query}: Pick<UploadSession, 'target' | 'metadata' | 'query'>, media: Media | undefined): Promise<DriveFile> {
  const body = parseMetadata(metadata)
  const placement = placementOf(query)
  return target === 'create' ? files.create(session, body, media, placement.keepRevisionForever) : files.update(session, target, body, placement, media)
}

async function begin(context: DriveContext, {uploads}: Parts, target: string): Promise<Response> {
  const session = context.get('session')
  const metadata = await readJson(context.req.raw)
  parseMetadata(metadata)
  if (target !== 'create') session.findToChange(target)
  const announced = context.req.header('x-upload-content-length')
  if (announced !== undefined && !/^\d{1,15}$/.test(announced)) throw refuse.body('Invalid value of X-Upload-Content-Length.')
  const begun = await uploads.begin({
    caller: session.caller, target, metadata, query: context.req.query(), type: context.req.header('x-upload-content-type') ?? '',
    total: announced === undefined ? undefined : Number(announced),
  })
  const url = new URL(context.req.url)
  url.searchParams.set('upload_id', begun.id)
  context.header('Location', url.href)
  context.header('X-GUploader-UploadID', begun.id)
  return context.body(null, 200)
}

function sessionOf(context: DriveContext, {uploads}: Parts): UploadSession {
  const id = context.req.query('upload_id')
  if (id === undefined) throw refuse.required('upload_id', 'Required parameter: upload_id')
  return uploads.find(id)
}

/** A chunk, the whole, or a question how far it came. */
async function piece(context: DriveContext, parts: Parts): Promise<Response> {
  const {uploads} = parts
  const pending = sessionOf(context, parts)
  const session = context.get('session')
  if (session.caller.email !== pending.caller.email) throw refuse.other(404, 'notFound', 'Not Found')
  if (pending.became) return answer(context, fileResource(await pending.became, session), fileShape, fileDefault)
  const range = parseContentRange(context.req.header('content-range'))
  const received = await uploads.received(pending)
  const asked = range.status && received !== (range.total ?? pending.total)
  const progress = asked ? {kind: 'more' as const, received}
    : range.status ? {kind: 'complete' as const}
    : await uploads.chunk(pending, range, bodyOf(context.req.raw))
  if (progress.kind === 'more') {
    if (progress.received > 0) context.header('Range', `bytes=0-${progress.received - 1}`)
    context.header('X-GUploader-UploadID', pending.id)
    return context.body(null, 308)
  }
  pending.became ??= complete(session, parts, pending, context.req.header('content-type') ?? '')
  return answer(context, fileResource(await pending.became, session), fileShape, fileDefault)
}

async function complete(session: Session, parts: Parts, pending: UploadSession, header: string): Promise<DriveFile> {
  try {
    const media = {received: await parts.blobs.measure(pending.path), type: pending.type || header}
    return await settle(session, parts, pending, media)
  } catch (error) {
    await parts.uploads.cancel(pending)
    throw error
  }
}
