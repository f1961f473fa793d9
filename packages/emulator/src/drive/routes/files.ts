import type {Hono} from 'hono'
import {parseMetadata} from '../body.ts'
import {refuse} from '../errors.ts'
import type {Placement} from '../files.ts'
import {head, isNative, mime} from '../model.ts'
import {fileResource} from '../resource.ts'
import {fileListShape, fileShape, anyShape} from '../shapes.ts'
import {readJson} from '../upload/receive.ts'
import {type DriveContext, type DriveEnv, type Parts, answer, checkFields, flagOf} from './context.ts'
import {listFiles} from './list.ts'
import {answerMedia} from './media.ts'

/** What a file resource holds when `fields` does not say. */
export const fileDefault = 'kind,id,name,mimeType'
const base = '/drive/v3/files'

export const placementOf = (query: Record<string, string>): Placement => ({
  addParents: ids(query.addParents), removeParents: ids(query.removeParents), keepRevisionForever: query.keepRevisionForever === 'true',
})

const ids = (text: string | undefined): string[] => (text ?? '').split(',').map((one) => one.trim()).filter((one) => one !== '')

export function fileRoutes(app: Hono<DriveEnv>, {store, blobs, files}: Parts): void {
  app.get(base, async (context) => {
    const session = context.get('session')
    session.need('DriveFiles.List')
    checkFields(context, fileListShape)
    return answer(context, await listFiles(session, blobs, context.req.query()), fileListShape, `kind,incompleteSearch,nextPageToken,files(${fileDefault})`)
  })

  app.get(`${base}/generateIds`, (context) => {
    context.get('session').need('DriveFiles.GenerateIds')
    const count = Number(context.req.query('count') ?? 10)
    if (!Number.isInteger(count) || count < 1 || count > 1000) throw refuse.value('count')
    const generated = Array.from({length: count}, () => store.ids.file((id) => store.get(id) !== undefined))
    return answer(context, {kind: 'drive#generatedIds', space: context.req.query('space') ?? 'drive', ids: generated}, anyShape, '*')
  })

  app.delete(`${base}/trash`, async (context) => {
    const session = context.get('session')
    session.need('DriveFiles.EmptyTrash')
    await files.emptyTrash(session)
    return context.body(null, 204)
  })

  app.post(base, async (context) => {
    const session = context.get('session')
    session.need('DriveFiles.Create')
    checkFields(context, fileShape)
    const file = await files.create(session, parseMetadata(await readJson(context.req.raw)), undefined, flagOf(context, 'keepRevisionForever'))
    return answer(context, fileResource(file, session), fileShape, fileDefault)
  })

  app.get(`${base}/:id`, (context) => {
    const session = context.get('session')
    const media = context.req.query('alt') === 'media'
    session.need(media ? 'DriveFiles.GetMedia' : 'DriveFiles.Get')
    checkFields(context, fileShape)
    const file = session.find(context.req.param('id'))
    if (!media) return answer(context, fileResource(file, session), fileShape, fileDefault)
    const content = head(file)
    if (!content || isNative(file.mimeType)) throw refuse.other(403, 'fileNotDownloadable', 'Only files with binary content can be downloaded. Use Export with Docs Editors files.')
    return answerMedia(context, blobs, {...content, mimeType: file.mimeType === mime.colab ? mime.colab : content.mimeType})
  })

  app.patch(`${base}/:id`, async (context) => {
    const session = context.get('session')
    session.need('DriveFiles.Update')
    checkFields(context, fileShape)
    const body = parseMetadata(await readJson(context.req.raw))
    const file = await files.update(session, session.resolve(context.req.param('id')), body, placementOf(context.req.query()))
    return answer(context, fileResource(file, session), fileShape, fileDefault)
  })

  app.delete(`${base}/:id`, async (context) => {
    const session = context.get('session')
    session.need('DriveFiles.Delete')
    await files.remove(session, context.req.param('id'))
    return context.body(null, 204)
  })

  app.post(`${base}/:id/copy`, async (context) => {
    const session = context.get('session')
    session.need('DriveFiles.Copy')
    checkFields(context, fileShape)
    const file = await files.copy(session, context.req.param('id'), parseMetadata(await readJson(context.req.raw)), flagOf(context, 'keepRevisionForever'))
    return answer(context, fileResource(file, session), fileShape, fileDefault)
  })

  app.get(`${base}/:id/export`, (context: DriveContext) => {
    const session = context.get('session')
    session.need('DriveFiles.Export')
    session.find(context.req.param('id') ?? '')
    throw refuse.other(403, 'fileNotExportable', 'Export only supports Docs Editors files.')
  })
}
