import {copyFile} from 'node:fs/promises'
import {rank} from './access.ts'
import {applyMetadata} from './apply-metadata.ts'
import type {Blobs, Received} from './blobs.ts'
import type {Metadata} from './body.ts'
import type {Contents, Media} from './contents.ts'
import {refuse} from './errors.ts'
import {type DriveFile, head, isNative, mime} from './model.ts'
import type {Session} from './session.ts'
import {type Store, blankFile} from './store.ts'
import {typeOfName, typeOfUpload} from './types.ts'

/** What `update` takes beside metadata and content. */
export interface Placement {
  addParents: string[]
  removeParents: string[]
  keepRevisionForever: boolean
}

const folderLike = (file: DriveFile): boolean => file.mimeType === mime.folder

/** What the methods of `files` do to the store. Every refusal is an answer of the API. */
export class Files {
  readonly #store: Store
  readonly #blobs: Blobs
  readonly #contents: Contents

  constructor(store: Store, blobs: Blobs, contents: Contents) {
    this.#store = store
    this.#blobs = blobs
    this.#contents = contents
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
    applyMetadata(file, body, session.caller)
    if (body.createdTime) file.created = body.createdTime
    if (body.shortcutDetails) {
      file.shortcutTarget = session.find(body.shortcutDetails.targetId).id
      file.mimeType = mime.shortcut
    }
    session.opened(file)
    if (media) this.#contents.room(file, media.received.size)
    if (media) await this.#contents.attach(file, media, {by: email, type: mimeType, keep, modified: body.modifiedTime ?? session.now})
    else if (!isNative(mimeType)) await this.#contents.attach(file, {received: await this.#contents.nothing(), type: mimeType}, {by: email, type: mimeType, keep, modified: body.modifiedTime ?? session.now})
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
    if (media) this.#contents.room(file, media.received.size)
    this.#move(session, file, placement)
    const touched = applyMetadata(file, body, session.caller)
    if (media) {
      const type = typeOfUpload({said: body.mimeType, header: media.type, name: file.name, before: file.mimeType})
      await this.#contents.attach(file, media, {by: email, type, keep: placement.keepRevisionForever, modified: body.modifiedTime ?? session.now})
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
    applyMetadata(file, body, session.caller)
    if (content) {
      this.#contents.room(file, content.size)
      const path = this.#blobs.scratch()
      await copyFile(this.#blobs.path(content.id), path)
      await this.#contents.attach(file, {received: {path, size: content.size, md5: content.md5, sha1: content.sha1, sha256: content.sha256}, type: content.mimeType}, {by: email, type: source.mimeType, keep, modified: session.now})
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
    if (found !== 'folder') await this.#contents.attach(file, {received: found, type: mimeType}, {by: email, type: mimeType, keep: false, modified: now})
    this.#store.put(file)
    return file
  }

  /** New bytes from a mirrored folder. */
  async replace(email: string, file: DriveFile, received: Received): Promise<void> {
    const now = this.#store.clock.now()
    await this.#contents.attach(file, {received, type: file.mimeType}, {by: email, type: file.mimeType, keep: false, modified: now})
    file.modified = now
    file.modifiedBy = email
    file.modifiedByUser[email] = now
    this.#store.put(file)
  }

  #newId(): string {
    return this.#store.ids.file((id) => this.#store.get(id) !== undefined)
  }

  #isRoot(file: DriveFile): boolean {
    return file.parent === null && file.id === (file.space === 'drive' ? this.#store.root(file.owner).id : this.#store.appData(file.owner, file.appClient ?? '').id)
  }

  #mayUpdate(session: Session, id: string, body: Metadata, placement: Placement, media: boolean): DriveFile {
    const personal = Object.entries(body).every(([name, value]) => value === undefined || name === 'starred' || name === 'viewedByMeTime')
      && !media && placement.addParents.length + placement.removeParents.length === 0
    const file = session.findToChange(id, {least: personal ? rank.reader : rank.writer, metadataOnly: !media})
    if (this.#isRoot(file) && !personal) throw refuse.forbidden()
    if (body.trashed !== undefined && body.trashed !== null && session.access.rank(file) < rank.owner) throw refuse.forbidden()
    return file
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
}
