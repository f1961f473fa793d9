import type {Hono} from 'hono'
import {rank} from '../access.ts'
import {parsePermission} from '../body.ts'
import {refuse} from '../errors.ts'
import {permissionId} from '../ids.ts'
import type {DriveFile, Permission} from '../model.ts'
import {permissionResource} from '../resource.ts'
import type {Session} from '../session.ts'
import {permissionListShape, permissionShape} from '../shapes.ts'
import {readJson} from '../upload/receive.ts'
import {type DriveEnv, type Parts, answer, checkFields, flagOf} from './context.ts'

const permissionDefault = 'kind,id,type,role'
const base = '/drive/v3/files/:id/permissions'
const roles = ['owner', 'organizer', 'fileOrganizer', 'writer', 'commenter', 'reader']
const types = ['user', 'group', 'domain', 'anyone']

export function permissionRoutes(app: Hono<DriveEnv>, {store, files}: Parts): void {
  app.get(base, (context) => {
    const session = context.get('session')
    session.need('DrivePermissions.List')
    const file = session.find(context.req.param('id'))
    if (session.access.rank(file) < rank.writer) throw refuse.forbidden()
    return answer(context, {kind: 'drive#permissionList', permissions: file.permissions.map(permissionResource)}, permissionListShape, `kind,nextPageToken,permissions(${permissionDefault})`)
  })

  app.post(base, async (context) => {
    const session = context.get('session')
    session.need('DrivePermissions.Create')
    checkFields(context, permissionShape)
    const file = toShare(session, context.req.param('id'))
    const permission = made(parsePermission(await readJson(context.req.raw)))
    if (permission.role === 'owner') {
      handOver(session, file, permission, flagOf(context, 'transferOwnership'))
    } else {
      if (permission.email === file.owner) throw refuse.sharing('Bad Request. User message: "The owner of a file cannot be given another role."')
      file.permissions = [...file.permissions.filter((one) => one.id !== permission.id), permission]
    }
    if (permission.email !== undefined) file.sharedAt[permission.email] ??= session.now
    store.put(file)
    return answer(context, permissionResource(permission), permissionShape, permissionDefault)
  })

  app.get(`${base}/:permission`, (context) => {
    const session = context.get('session')
    session.need('DrivePermissions.Get')
    const file = session.find(context.req.param('id'))
    return answer(context, permissionResource(find(file, context.req.param('permission'))), permissionShape, permissionDefault)
  })

  app.patch(`${base}/:permission`, async (context) => {
    const session = context.get('session')
    session.need('DrivePermissions.Update')
    checkFields(context, permissionShape)
    const file = toShare(session, context.req.param('id'))
    const permission = find(file, context.req.param('permission'))
    const body = parsePermission(await readJson(context.req.raw))
    if (body.type || body.emailAddress || body.domain) throw refuse.notWritable('type')
    if (body.role && !roles.includes(body.role)) throw refuse.body(`Invalid value at 'role'`)
    if (body.role === 'owner') handOver(session, file, {...permission, role: 'owner'}, flagOf(context, 'transferOwnership'))
    else {
      if (permission.role === 'owner') throw refuse.forbidden()
      if (body.role) permission.role = body.role
      if (body.expirationTime) permission.expires = body.expirationTime
      if (flagOf(context, 'removeExpiration')) delete permission.expires
    }
    store.put(file)
    return answer(context, permissionResource(find(file, permission.id)), permissionShape, permissionDefault)
  })

  app.delete(`${base}/:permission`, (context) => {
    const session = context.get('session')
    session.need('DrivePermissions.Delete')
    const me = permissionId(session.caller.email)
    const own = context.req.param('permission') === me
    const file = own ? session.findToChange(context.req.param('id'), {least: rank.reader}) : toShare(session, context.req.param('id'))
    const permission = find(file, context.req.param('permission'))
    if (permission.role === 'owner') throw refuse.forbidden()
    const before = files.viewers(file)
    file.permissions = file.permissions.filter((one) => one !== permission)
    const after = files.viewers(file)
    if (permission.email !== undefined) delete file.sharedAt[permission.email]
    store.put(file)
    const lost = before.filter((email) => !after.includes(email))
    if (lost.length > 0) store.lost(file.id, lost)
    return context.body(null, 204)
  })
}

function toShare(session: Session, id: string): DriveFile {
  const file = session.findToChange(id)
  if (file.space === 'appDataFolder') throw refuse.other(403, 'notSupportedForAppDataFolderFiles', 'Method not supported for files within the Application Data folder.')
  if (session.access.rank(file) < rank.owner && !file.writersCanShare) throw refuse.forbidden()
  return file
}

function find(file: DriveFile, id: string): Permission {
  const permission = file.permissions.find((one) => one.id === id)
  if (!permission) throw refuse.missing('Permission', id, 'permissionId')
  return permission
}

function made(body: ReturnType<typeof parsePermission>): Permission {
  const {type, role} = body
  if (!type) throw refuse.required('permission.type', 'The permission type field is required.')
  if (!role) throw refuse.required('permission.role', 'The permission role field is required.')
  if (!types.includes(type)) throw refuse.body("The specified type is invalid or not supported.")
  if (!roles.includes(role)) throw refuse.body('The specified role is invalid or not supported.')
  const permission: Permission = {id: 'anyoneWithLink', type, role}
  if (body.expirationTime) permission.expires = body.expirationTime
  if (type === 'user' || type === 'group') {
    if (!body.emailAddress || !/^[^\s@]+@[^\s@]+$/.test(body.emailAddress)) throw refuse.sharing('Bad Request. User message: "You are trying to invite an address that is not one."')
    return {...permission, id: permissionId(body.emailAddress), email: body.emailAddress}
  }
  const discovery = body.allowFileDiscovery === true
  if (type === 'anyone') return {...permission, id: discovery ? 'anyone' : 'anyoneWithLink', discovery}
  if (!body.domain) throw refuse.sharing('The domain field is required for this type.')
  return {...permission, id: `${permissionId(body.domain)}k`, domain: body.domain, discovery}
}

function handOver(session: Session, file: DriveFile, permission: Permission, agreed: boolean): void {
  if (!agreed) throw refuse.other(403, 'forbidden', "The transferOwnership parameter must be enabled when the permission role is 'owner'.")
  if (session.access.rank(file) < rank.owner || permission.email === undefined) throw refuse.forbidden()
  const before = file.owner
  file.permissions = [
    {id: permission.id, type: 'user', role: 'owner', email: permission.email},
    ...file.permissions.filter((one) => one.id !== permission.id).map((one) => (one.email === before ? {...one, role: 'writer'} : one)),
  ]
  file.owner = permission.email
  file.sharedAt[before] ??= session.now
}
