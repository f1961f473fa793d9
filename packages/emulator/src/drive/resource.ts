import {isTrashed, rank} from './access.ts'
import {permissionId} from './ids.ts'
import {type Content, type DriveFile, type Permission, head, isNative, mime} from './model.ts'
import {reaches} from './scopes.ts'
import type {Session} from './session.ts'

type Json = Record<string, unknown>

const time = (ms: number | undefined): string | undefined => (ms === undefined ? undefined : new Date(ms).toISOString())

/** Without what is undefined. */
const defined = (value: Json): Json => Object.fromEntries(Object.entries(value).filter(([, one]) => one !== undefined))

export function userResource(email: string, me: string): Json {
  return {kind: 'drive#user', displayName: displayName(email), me: email === me, permissionId: permissionId(email), emailAddress: email}
}

const displayName = (email: string): string => {
  const name = email.split('@')[0] ?? email
  return name.split(/[._-]+/).filter((part) => part !== '').map((part) => `${part[0]?.toUpperCase() ?? ''}${part.slice(1)}`).join(' ') || email
}

export function permissionResource(permission: Permission): Json {
  return defined({
    kind: 'drive#permission', id: permission.id, type: permission.type, role: permission.role,
    emailAddress: permission.email, domain: permission.domain, allowFileDiscovery: permission.type === 'user' || permission.type === 'group' ? undefined : permission.discovery ?? false,
    displayName: permission.email === undefined ? permission.domain : displayName(permission.email),
    expirationTime: time(permission.expires), deleted: permission.type === 'user' ? false : undefined, pendingOwner: permission.type === 'user' ? false : undefined,
  })
}

export function revisionResource(content: Content, me: string): Json {
  return {
    kind: 'drive#revision', id: content.id, mimeType: content.mimeType, modifiedTime: time(content.modified), keepForever: content.keep, published: false,
    lastModifyingUser: userResource(content.by, me), originalFilename: content.name, md5Checksum: content.md5, size: String(content.size),
  }
}

/** All of a file that the caller may see, as the API names it; `fields` picks from it. */
export function fileResource(file: DriveFile, session: Session): Json {
  const me = session.caller.email
  const mine = session.access.rank(file)
  const content = head(file)
  const folder = file.mimeType === mime.folder
  const bytes = content !== undefined && !isNative(file.mimeType)
  const inDrive = file.space === 'drive'
  const parent = file.parent === null ? undefined : session.store.get(file.parent)
  // My Drive itself is named also to clients that may not read it
  const parentShown = parent && (session.sees(parent) || parent.id === session.store.root(me).id)
  return defined({
    kind: 'drive#file', id: file.id, name: file.name, mimeType: file.mimeType, description: file.description,
    starred: file.starredBy.includes(me), trashed: isTrashed(session.store, file), explicitlyTrashed: file.trashed,
    trashedTime: time(file.trashedAt), trashingUser: file.trashedBy === undefined ? undefined : userResource(file.trashedBy, me),
    parents: parentShown ? [parent.id] : undefined,
    properties: some(file.properties), appProperties: some(file.appProperties[session.caller.clientId] ?? {}),
    spaces: [file.space], version: String(file.version),
    webContentLink: bytes && inDrive ? `https://drive.google.com/uc?id=${file.id}&export=download` : undefined,
    webViewLink: inDrive ? viewLink(file) : undefined,
    iconLink: `https://drive-thirdparty.googleusercontent.com/16/type/${file.mimeType}`,
    hasThumbnail: false, thumbnailVersion: '0',
    viewedByMe: file.viewed[me] !== undefined, viewedByMeTime: time(file.viewed[me]),
    createdTime: time(file.created), modifiedTime: time(file.modified),
    modifiedByMe: file.modifiedByUser[me] !== undefined, modifiedByMeTime: time(file.modifiedByUser[me]), sharedWithMeTime: time(file.sharedAt[me]),
    owners: [userResource(file.owner, me)], ownedByMe: file.owner === me,
    lastModifyingUser: userResource(file.modifiedBy, me),
    shared: isShared(file, session),
    capabilities: capabilities(file, session), viewersCanCopyContent: !file.copyRequiresWriter, copyRequiresWriterPermission: file.copyRequiresWriter,
    writersCanShare: file.writersCanShare,
    permissions: mine >= rank.writer ? file.permissions.map(permissionResource) : undefined,
    permissionIds: mine >= rank.writer ? file.permissions.map((one) => one.id) : undefined,
    folderColorRgb: folder ? file.folderColor ?? '#8f8f8f' : undefined,
    originalFilename: bytes ? content.name : undefined,
    fullFileExtension: bytes ? extension(file.name, true) : undefined, fileExtension: bytes ? extension(file.name, false) : undefined,
    md5Checksum: bytes ? content.md5 : undefined, sha1Checksum: bytes ? content.sha1 : undefined, sha256Checksum: bytes ? content.sha256 : undefined,
    size: bytes ? String(content.size) : undefined, quotaBytesUsed: String(quotaBytes(file)), headRevisionId: content?.id,
    isAppAuthorized: reaches({...session.caller, scopes: ['https://www.googleapis.com/auth/drive.file']}, file),
    shortcutDetails: file.shortcutTarget === undefined ? undefined : shortcut(file.shortcutTarget, session),
    linkShareMetadata: {securityUpdateEligible: false, securityUpdateEnabled: true}, inheritedPermissionsDisabled: folder ? false : undefined,
  })
}

/** What counts against the owner's quota: every revision that is kept. */
export const quotaBytes = (file: DriveFile): number => file.revisions.reduce((sum, one, index) => (one.keep || index === file.revisions.length - 1 ? sum + one.size : sum), 0)

const some = (value: Record<string, string>): Record<string, string> | undefined => (Object.keys(value).length > 0 ? value : undefined)

function viewLink(file: DriveFile): string {
  if (file.mimeType === mime.folder) return `https://drive.google.com/drive/folders/${file.id}`
  if (file.mimeType === mime.colab) return `https://colab.research.google.com/drive/${file.id}`
  return `https://drive.google.com/file/d/${file.id}/view?usp=drivesdk`
}

function extension(name: string, full: boolean): string {
  const parts = name.split('.')
  if (parts.length < 2) return ''
  return full ? parts.slice(1).join('.') : parts.at(-1) ?? ''
}

export function isShared(file: DriveFile, session: Session): boolean {
  for (let at: DriveFile | undefined = file; at; at = at.parent === null ? undefined : session.store.get(at.parent)) if (at.permissions.length > 1) return true
  return false
}

function shortcut(id: string, session: Session): Json {
  const target = session.store.get(id)
  return defined({targetId: id, targetMimeType: target && session.sees(target) ? target.mimeType : undefined})
}

function capabilities(file: DriveFile, session: Session): Json {
  const mine = session.access.rank(file)
  const [read, comment, edit, own] = [mine >= rank.reader, mine >= rank.commenter, mine >= rank.writer, mine >= rank.owner]
  const folder = file.mimeType === mime.folder
  const root = file.parent === null && folder && own
  const copy = read && !folder && (edit || !file.copyRequiresWriter)
  return {
    canAcceptOwnership: false, canAddChildren: folder && edit, canAddMyDriveParent: false, canChangeCopyRequiresWriterPermission: edit, canChangeViewersCanCopyContent: edit,
    canComment: comment && !folder, canCopy: copy, canDelete: own && !root, canDownload: copy, canEdit: edit,
    canListChildren: folder && read, canModifyContent: edit, canModifyContentRestriction: edit && !folder, canMoveChildrenWithinDrive: folder && edit, canMoveItemIntoTeamDrive: own && !root,
    canMoveItemOutOfDrive: own && !root, canMoveItemWithinDrive: edit && !root, canReadLabels: false, canReadRevisions: edit && !folder, canRemoveChildren: folder && edit, canRemoveMyDriveParent: edit && !root,
    canRename: edit && !root, canShare: own || (edit && file.writersCanShare), canTrash: own && !root, canUntrash: own && !root,
  }
}
