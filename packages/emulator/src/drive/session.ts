import type {Caller} from '../contract.ts'
import {Access, type Rank, isTrashed, rank} from './access.ts'
import {refuse} from './errors.ts'
import type {DriveFile} from './model.ts'
import {type Method, hasAppData, needScope, openWith, reaches, reachesToWrite} from './scopes.ts'
import type {Store} from './store.ts'

/** One request: who asks, and what they may. */
export class Session {
  readonly store: Store
  readonly caller: Caller
  readonly access: Access

  constructor(store: Store, caller: Caller) {
    this.store = store
    this.caller = caller
    this.access = new Access(store, caller.email)
  }

  get now(): number {
    return this.store.clock.now()
  }

  need(method: Method): void {
    needScope(this.caller, method)
  }

  /** `root` and `appDataFolder` stand for folders of the caller. */
  resolve(id: string): string {
    if (id === 'root') return this.store.root(this.caller.email).id
    if (id === 'appDataFolder') return this.store.appData(this.caller.email, this.caller.clientId).id
    return id
  }

  sees(file: DriveFile): boolean {
    return reaches(this.caller, file) && this.access.rank(file) > rank.none
  }

  /** 404 when it is not there, or not for this person, or not for this client. */
  find(id: string): DriveFile {
    const file = this.store.get(this.resolve(id))
    if (!file || !this.sees(file)) throw refuse.notFound(id === 'root' ? '.' : id)
    return file
  }

  /** A file that is about to be changed. */
  findToChange(id: string, {least = rank.writer, metadataOnly = false}: {least?: Rank; metadataOnly?: boolean} = {}): DriveFile {
    const file = this.find(id)
    if (!reachesToWrite(this.caller, file, metadataOnly)) throw refuse.notOpened(this.caller.clientId, file.id)
    if (this.access.rank(file) < least) throw refuse.forbidden()
    return file
  }

  /**
   * A folder to put something into. Every client may use My Drive itself, even one whose scope does not show it.
   * Throws 404, 403 parentNotAFolder or insufficientFilePermissions.
   */
  folder(id: string, isFolder: (file: DriveFile) => boolean): DriveFile {
    const resolved = this.resolve(id)
    const own = resolved === this.store.root(this.caller.email).id
    const folder = this.store.get(resolved)
    if (!folder || !(own || this.sees(folder))) throw refuse.notFound(id)
    if (folder.space === 'appDataFolder' && !hasAppData(this.caller)) throw refuse.notFound(id)
    if (!isFolder(folder)) throw refuse.other(403, 'parentNotAFolder', 'The specified parent is not a folder.')
    if (this.access.rank(folder) < rank.writer) throw refuse.forbidden()
    return folder
  }

  isTrashed(file: DriveFile): boolean {
    return isTrashed(this.store, file)
  }

  /** The client made this file, or works with it. */
  opened(file: DriveFile): void {
    openWith(file, this.caller)
  }
}
