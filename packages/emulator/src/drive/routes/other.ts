import type {Hono} from 'hono'
import {parseRevision} from '../body.ts'
import {refuse} from '../errors.ts'
import {type Content, type DriveFile, isNative} from '../model.ts'
import {pageSize} from '../query/page.ts'
import {fileResource, revisionResource, userResource} from '../resource.ts'
import type {Session} from '../session.ts'
import {aboutShape, anyShape, changeListShape, revisionListShape, revisionShape} from '../shapes.ts'
import {readJson} from '../upload/receive.ts'
import {type DriveEnv, type Parts, answer, checkFields} from './context.ts'
import {fileDefault} from './files.ts'
import {answerMedia} from './media.ts'

const revisionDefault = 'kind,id,mimeType,modifiedTime'
const revisions = '/drive/v3/files/:id/revisions'

export function revisionRoutes(app: Hono<DriveEnv>, {store, blobs}: Parts): void {
  app.get(revisions, (context) => {
    const session = context.get('session')
    session.need('DriveRevisions.List')
    const file = withRevisions(session, context.req.param('id'))
    return answer(context, {kind: 'drive#revisionList', revisions: file.revisions.map((one) => revisionResource(one, session.caller.email))}, revisionListShape, `kind,nextPageToken,revisions(${revisionDefault})`)
  })

  app.get(`${revisions}/:revision`, (context) => {
    const session = context.get('session')
    const media = context.req.query('alt') === 'media'
    session.need(media ? 'DriveRevisions.GetMedia' : 'DriveRevisions.Get')
    const revision = find(withRevisions(session, context.req.param('id')), context.req.param('revision'))
    return media ? answerMedia(context, blobs, revision) : answer(context, revisionResource(revision, session.caller.email), revisionShape, revisionDefault)
  })

  app.patch(`${revisions}/:revision`, async (context) => {
    const session = context.get('session')
    session.need('DriveRevisions.Update')
    checkFields(context, revisionShape)
    const file = session.findToChange(context.req.param('id'))
    const revision = find(file, context.req.param('revision'))
    const body = parseRevision(await readJson(context.req.raw))
    if (typeof body.keepForever === 'boolean') revision.keep = body.keepForever
    store.put(file)
    return answer(context, revisionResource(revision, session.caller.email), revisionShape, revisionDefault)
  })

  app.delete(`${revisions}/:revision`, async (context) => {
    const session = context.get('session')
    session.need('DriveRevisions.Delete')
    const file = session.findToChange(context.req.param('id'))
    const revision = find(file, context.req.param('revision'))
    if (file.revisions.length === 1) throw refuse.other(403, 'revisionCannotBeDeleted', 'The last revision of a file cannot be deleted.')
    file.revisions = file.revisions.filter((one) => one !== revision)
    store.put(file)
    await blobs.drop(revision.id)
    return context.body(null, 204)
  })
}

function withRevisions(session: Session, id: string): DriveFile {
  const file = session.find(id)
  if (isNative(file.mimeType)) throw refuse.other(403, 'revisionsNotSupported', 'The file does not support revisions.')
  return file
}

function find(file: DriveFile, id: string): Content {
  const revision = id === 'head' ? file.revisions.at(-1) : file.revisions.find((one) => one.id === id)
  if (!revision) throw refuse.missing('Revision', id, 'revisionId')
  return revision
}

export function changeRoutes(app: Hono<DriveEnv>, {store}: Parts): void {
  app.get('/drive/v3/changes/startPageToken', (context) => {
    context.get('session').need('DriveChanges.GetStartPageToken')
    return answer(context, {kind: 'drive#startPageToken', startPageToken: String(store.seq + 1)}, anyShape, '*')
  })

  app.get('/drive/v3/changes', (context) => {
    const session = context.get('session')
    session.need('DriveChanges.List')
    const token = context.req.query('pageToken')
    if (token === undefined) throw refuse.required('pageToken', 'Required parameter: pageToken')
    if (!/^\d{1,15}$/.test(token) || Number(token) > store.seq + 1) throw refuse.value('pageToken')
    const size = pageSize(context.req.query('pageSize'), {initial: 100, most: 1000})
    const changes = changesSince(session, Number(token), context.req.query('includeRemoved') !== 'false')
    const page = changes.slice(0, size)
    const next = changes[size]
    const end = next ? {nextPageToken: String(next.seq)} : {newStartPageToken: String(store.seq + 1)}
    return answer(context, {kind: 'drive#changeList', ...end, changes: page.map((one) => one.change)}, changeListShape,
      `kind,nextPageToken,newStartPageToken,changes(kind,changeType,type,time,removed,fileId,file(${fileDefault}))`)
  })
}

/** One change a file: the last. */
function changesSince(session: Session, from: number, includeRemoved: boolean): {seq: number; change: Record<string, unknown>}[] {
  const {store, caller} = session
  const common = {kind: 'drive#change', changeType: 'file', type: 'file'}
  const changed = [...store.all()]
    .filter((file) => file.seq >= from && file.space === 'drive' && session.sees(file) && session.access.listed(file))
    .map((file) => ({seq: file.seq, change: {...common, time: new Date(file.modified).toISOString(), removed: false, fileId: file.id, file: fileResource(file, session)}}))
  const shown = new Set(changed.map((one) => one.change.fileId))
  const removed = store.gone()
    .filter((gone) => includeRemoved && gone.seq >= from && gone.emails.includes(caller.email) && !shown.has(gone.id))
    .map((gone) => ({seq: gone.seq, change: {...common, time: new Date(gone.time).toISOString(), removed: true, fileId: gone.id}}))
  return [...changed, ...removed].sort((a, b) => a.seq - b.seq)
}

export function aboutRoutes(app: Hono<DriveEnv>, {contents}: Parts): void {
  app.get('/drive/v3/about', (context) => {
    const session = context.get('session')
    session.need('DriveAbout.Get')
    if (!context.req.query('fields')) throw refuse.required('fields', "The 'fields' parameter is required for this method.")
    const {drive, trash} = contents.used(session.caller.email)
    return answer(context, {
      kind: 'drive#about', user: userResource(session.caller.email, session.caller.email),
      storageQuota: {limit: String(contents.quotaBytes), usage: String(drive), usageInDrive: String(drive), usageInDriveTrash: String(trash)},
      importFormats: {}, exportFormats: {}, maxImportSizes: {}, maxUploadSize: '5242880000000', appInstalled: true,
      folderColorPalette: ['#ac725e', '#d06b64', '#f83a22', '#ff7537', '#ffad46', '#16a765', '#4986e7', '#8f8f8f'],
      driveThemes: [], teamDriveThemes: [], canCreateDrives: false, canCreateTeamDrives: false,
    }, aboutShape, '*')
  })

  // nobody here has shared drives
  app.get('/drive/v3/drives', (context) => {
    context.get('session').need('DriveDrives.List')
    return answer(context, {kind: 'drive#driveList', drives: []}, anyShape, '*')
  })
}
