import {existsSync} from 'node:fs'
import {copyFile} from 'node:fs/promises'
import {Readable} from 'node:stream'
import {rank} from './access.ts'
import type {Blobs, Received} from './blobs.ts'
import type {Metadata} from './body.ts'
import {refuse} from './errors.ts'
import {type Content, type DriveFile, head, isNative, mime} from './model.ts'
import {quotaBytes} from './resource.ts'
import type {Session} from './session.ts'
import {type Store, blankFile} from './store.ts'
import {typeOfName, typeOfUpload} from './types.ts'

/** Bytes of an upload, and what their header says they are. */
export interface Media {
  received: Received
  type: string
}

/** What `update` takes beside metadata and content. */
export interface Placement {
  addParents: string[]
  removeParents: string[]
  keepRevisionForever: boolean
}

const keptRevisions = 20
const folderLike = (file: DriveFile): boolean => file.mimeType === mime.folder

/** What the methods of `files` do to the store. Every refusal is an answer of the API. */
export class Files {
  readonly #store: Store
  readonly #blobs: Blobs
  readonly #quotaBytes: number

  constructor(store: Store, blobs: Blobs, quotaBytes: number) {
    this.#store = store
    this.#blobs = blobs
    this.#quotaBytes = quotaBytes
  }

  async create(session: Session, body: Metadata, media: Media | undefined, keep: boolean): Promise<DriveFile> {
    const {email} = session.caller
    if (body.id && this.#store.get(body.id)) throw refuse.other(409, 'fileIdInUse', 'A file already exists with the provided ID.')
    if ((body.parents?.length ?? 0) > 1) throw refuse.other(400, 'invalid', 'A file may have exactly one parent.')
    const parent = session.folder(body.parents?.[0] ?? 'root', folderLike)
    const name = body.name ?? 'Untitled'
    if (media && body.mimeType && isNative(body.mimeType)) throw refuse.other(400, 'badContent', 'Content cannot be stored as a file of this type.')
    const mimeType = media ? typeOfUpload({said: body.mimeType, header: media.type, name}) : body.mimeType ?? mime.binary
    const file = blankFile({id: body.id ?? this.#newId(), name, mimeType, parent: parent.id, space: parent.space, owner: email, now: session.now})
    if (parent.appClient !== undefined) file.appClient = parent.appClient
    this.#describe(session, file, body)
    if (body.createdTime) file.created = body.createdTime
    if (body.shortcutDetails) {
      file.shortcutTarget = session.find(body.shortcutDetails.targetId).id
      file.mimeType = mime.shortcut
    }
    session.opened(file)
    if (media) await this.#attach(file, media, {by: email, type: mimeType, keep, modified: body.modifiedTime ?? session.now})
    else if (!isNative(mimeType)) await this.#attach(file, {received: await this.#nothing(), type: mimeType}, {by: email, type: mimeType, keep, modified: body.modifiedTime ?? session.now})
    file.modified = body.modifiedTime ?? file.modified
    this.#store.put(file)
    return file
  }

  async update(session: Session, id: string, body: Metadata, placement: Placement, media?: Media): Promise<DriveFile> {
    if (body.parents) throw refuse.notWritable('parents')
    if (body.id && body.id !== id) throw refuse.notWritable('id')
    const file = this.#mayUpdate(session, id, body, placement, media !== undefined)
    if (!media && body.mimeType && body.mimeType !== file.mimeType) throw refuse.notWritable('mimeType')
    if (media && isNative(file.mimeType)) throw refuse.other(403, 'fileNotDownloadable', 'Content cannot be uploaded to files of this type.')
    const {email} = session.caller
    // refusals come before the first change
    if (media) this.#room(file, media)
    this.#move(session, file, placement)
    const touched = this.#describe(session, file, body)
    if (media) {
      const type = typeOfUpload({said: body.mimeType, header: media.type, name: file.name, before: file.mimeType})
      await this.#attach(file, media, {by: email, type, keep: placement.keepRevisionForever, modified: body.modifiedTime ?? session.now})
      file.mimeType = type
    }
    if (touched || media) {
      file.modified = body.modifiedTime ?? session.now
      file.modifiedBy = email
      file.modifiedByUser[email] = session.now
    }
    if (body.trashed !== undefined && body.trashed !== null) this.#trash(session, file, body.trashed)
    this.#store.put(file)
    return file
  }

  async copy(session: Session, id: string, body: Metadata, keep: boolean): Promise<DriveFile> {
    const source = session.find(id)
    if (folderLike(source) || (source.copyRequiresWriter && session.access.rank(source) < rank.writer)) throw refuse.other(403, 'cannotCopyFile', 'This file cannot be copied by the user.')
    const {email} = session.caller
    const beside = source.parent === null ? undefined : this.#store.get(source.parent)
    const mayBeside = beside && session.sees(beside) && session.access.rank(beside) >= rank.writer
    const parent = session.folder(body.parents?.[0] ?? (mayBeside ? beside.id : 'root'), folderLike)
    const content = head(source)
    const file = blankFile({id: body.id ?? this.#newId(), name: body.name ?? `Copy of ${source.name}`, mimeType: source.mimeType, parent: parent.id, space: parent.space, owner: email, now: session.now})
    if (source.description !== undefined) file.description = source.description
    if (parent.appClient !== undefined) file.appClient = parent.appClient
    if (source.shortcutTarget !== undefined) file.shortcutTarget = source.shortcutTarget
    file.properties = {...source.properties}
    const appProperties = source.appProperties[session.caller.clientId]
    if (appProperties) file.appProperties = {[session.caller.clientId]: {...appProperties}}
    this.#describe(session, file, body)
    if (content) {
      const path = this.#blobs.scratch()
      await copyFile(this.#blobs.path(content.id), path)
      await this.#attach(file, {received: {path, size: content.size, md5: content.md5, sha1: content.sha1, sha256: content.sha256}, type: content.mimeType}, {by: email, type: source.mimeType, keep, modified: session.now})
    }
    file.modified = body.modifiedTime ?? session.now
    session.opened(file)
    this.#store.put(file)
    return file
  }

  /** For good, with everything below it. */
  async remove(session: Session, id: string): Promise<void> {
    const file = session.findToChange(id, {least: rank.owner})
    if (this.#isRoot(file)) throw refuse.forbidden()
    await this.destroy(file)
  }

  async emptyTrash(session: Session): Promise<void> {
    const mine = [...this.#store.all()].filter((file) => file.trashed && file.owner === session.caller.email)
    for (const file of mine) if (this.#store.get(file.id)) await this.destroy(file)
  }

  async destroy(file: DriveFile): Promise<void> {
    for (const one of this.#store.tree(file).toReversed()) {
      this.#store.remove(one, this.viewers(one))
      for (const content of one.revisions) await this.#blobs.drop(content.id)
    }
  }

  /** Everybody who was named, here or in a folder above. */
  viewers(file: DriveFile): string[] {
    const emails = new Set<string>()
    for (let at: DriveFile | undefined = file; at; at = at.parent === null ? undefined : this.#store.get(at.parent)) {
      for (const permission of at.permissions) if (permission.email !== undefined) emails.add(permission.email)
    }
    return [...emails]
  }

  /** A file or folder that appeared in a mirrored folder. */
  async adopt(email: string, parent: string, name: string, found: Received | 'folder'): Promise<DriveFile> {
    const now = this.#store.clock.now()
    const mimeType = found === 'folder' ? mime.folder : typeOfName(name)
    const file = blankFile({id: this.#newId(), name, mimeType, parent, space: 'drive', owner: email, now})
    if (found !== 'folder') await this.#attach(file, {received: found, type: mimeType}, {by: email, type: mimeType, keep: false, modified: now})
    this.#store.put(file)
    return file
  }

  /** New bytes from a mirrored folder. */
  async replace(email: string, file: DriveFile, received: Received): Promise<void> {
    const now = this.#store.clock.now()
    await this.#attach(file, {received, type: file.mimeType}, {by: email, type: file.mimeType, keep: false, modified: now})
    file.modified = now
    file.modifiedBy = email
    file.modifiedByUser[email] = now
    this.#store.put(file)
  }

  /** Bytes that the account's files take up. */
  used(email: string): {drive: number; trash: number} {
    let [drive, trash] = [0, 0]
    for (const file of this.#store.all()) {
      if (file.owner !== email) continue
      drive += quotaBytes(file)
      if (file.trashed) trash += quotaBytes(file)
    }
    return {drive, trash}
  }

  get quotaBytes(): number {
    return this.#quotaBytes
  }

  #newId(): string {
    return this.#store.ids.file((id) => this.#store.get(id) !== undefined)
  }

  #isRoot(file: DriveFile): boolean {
    return file.parent === null && file.id === (file.space === 'drive' ? this.#store.root(file.owner).id : this.#store.appData(file.owner, file.appClient ?? '').id)
  }

  #nothing(): Promise<Received> {
    return this.#blobs.receive(Readable.from([]))
  }

  #mayUpdate(session: Session, id: string, body: Metadata, placement: Placement, media: boolean): DriveFile {
    const personal = Object.entries(body).every(([name, value]) => value === undefined || name === 'starred' || name === 'viewedByMeTime')
      && !media && placement.addParents.length + placement.removeParents.length === 0
    const file = session.findToChange(id, {least: personal ? rank.reader : rank.writer, metadataOnly: !media})
    if (this.#isRoot(file) && !personal) throw refuse.forbidden()
    if (body.trashed !== undefined && body.trashed !== null && session.access.rank(file) < rank.owner) throw refuse.forbidden()
    return file
  }

  /** Returns whether the file itself is another now: what only the person sees does not count. */
  #describe(session: Session, file: DriveFile, body: Metadata): boolean {
    const {email, clientId} = session.caller
    if (body.starred !== undefined) file.starredBy = [...file.starredBy.filter((one) => one !== email), ...(body.starred === true ? [email] : [])]
    if (body.viewedByMeTime) file.viewed[email] = body.viewedByMeTime
    let touched = body.modifiedTime !== undefined
    if (typeof body.name === 'string' && body.name !== file.name) {
      file.name = body.name
      touched = true
    }
    if (body.description !== undefined) {
      if (body.description === null) delete file.description
      else file.description = body.description
      touched = true
    }
    if (body.folderColorRgb) file.folderColor = body.folderColorRgb
    if (body.contentHints?.indexableText) file.indexableText = body.contentHints.indexableText
    if (typeof body.writersCanShare === 'boolean') file.writersCanShare = body.writersCanShare
    if (typeof body.copyRequiresWriterPermission === 'boolean') file.copyRequiresWriter = body.copyRequiresWriterPermission
    if (typeof body.viewersCanCopyContent === 'boolean') file.copyRequiresWriter = !body.viewersCanCopyContent
    if (body.properties) file.properties = merged(file.properties, body.properties)
    if (body.appProperties) file.appProperties[clientId] = merged(file.appProperties[clientId] ?? {}, body.appProperties)
    return touched
  }

  #move(session: Session, file: DriveFile, {addParents, removeParents}: Placement): void {
    const [add, ...more] = addParents
    const removes = removeParents.some((id) => session.resolve(id) === file.parent)
    for (const id of removeParents) if (session.resolve(id) !== file.parent) throw refuse.missing('Parent', id, 'removeParents')
    if (add === undefined) {
      // without a folder a file falls into its owner's My Drive
      if (removes) file.parent = this.#store.root(file.owner).id
      return
    }
    const target = session.folder(add, folderLike)
    if (target.id === file.parent) return
    if (more.length > 0 || (file.parent !== null && !removes)) throw refuse.other(403, 'cannotAddParent', 'Increasing the number of parents is not allowed')
    if (this.#store.tree(file).includes(target)) throw refuse.other(403, 'cyclicMembershipsNotAllowed', 'A folder cannot be put into itself or below itself.')
    if (target.space !== file.space) throw refuse.other(403, 'notSupportedForAppDataFolderFiles', 'The method is not supported for files within the Application Data folder.')
    file.parent = target.id
  }

  #trash(session: Session, file: DriveFile, trashed: boolean): void {
    file.trashed = trashed
    delete file.trashedAt
    delete file.trashedBy
    if (!trashed) return
    file.trashedAt = session.now
    file.trashedBy = session.caller.email
  }

  #room(file: DriveFile, {received}: Media): void {
    if (this.used(file.owner).drive + received.size > this.#quotaBytes) throw refuse.quota()
  }

  async #attach(file: DriveFile, media: Media, {by, type, keep, modified}: {by: string; type: string; keep: boolean; modified: number}): Promise<void> {
    const {received} = media
    this.#room(file, media)
    const content: Content = {
      id: this.#store.ids.revision((id) => existsSync(this.#blobs.path(id))), size: received.size, md5: received.md5, sha1: received.sha1, sha256: received.sha256,
      mimeType: type, modified, by, name: file.name, keep,
    }
    await this.#blobs.keep(received, content.id)
    file.revisions.push(content)
    while (file.revisions.length > keptRevisions) {
      const at = file.revisions.findIndex((one) => !one.keep)
      if (at === -1 || at === file.revisions.length - 1) return
      const [old] = file.revisions.splice(at, 1)
      if (old) await this.#blobs.drop(old.id)
    }
  }
}

/** Null takes a property away. */
function merged(before: Record<string, string>, change: Record<string, string | null>): Record<string, string> {
  const next = {...before}
  for (const [name, value] of Object.entries(change)) {
    if (value === null) delete next[name]
    else next[name] = value
  }
  return next
}
