import {join} from 'node:path'
import type {Clock} from '../contract.ts'
import {permissionId} from './ids.ts'
import type {Ids} from './ids.ts'
import {Journal} from './journal.ts'
import {type DriveFile, type Tombstone, mime} from './model.ts'

/** Every file of every account: in memory, and journalled. Whoever changes a file calls `put` with it. */
export class Store {
  readonly ids: Ids
  readonly clock: Clock
  readonly #journal: Journal
  readonly #files = new Map<string, DriveFile>()
  readonly #children = new Map<string, Set<string>>()
  readonly #placed = new Map<string, string | null>()
  readonly #roots = new Map<string, string>()
  readonly #gone: Tombstone[] = []
  #seq = 0

  constructor(folder: string, clock: Clock, ids: Ids) {
    this.#journal = new Journal(join(folder, 'files.jsonl'))
    this.clock = clock
    this.ids = ids
  }

  async load(): Promise<void> {
    const loaded = await this.#journal.load()
    for (const file of loaded.files.values()) {
      this.#index(file)
      this.#seq = Math.max(this.#seq, file.seq)
    }
    for (const [key, id] of loaded.roots) this.#roots.set(key, id)
    for (const gone of loaded.gone) {
      this.#gone.push(gone)
      this.#seq = Math.max(this.#seq, gone.seq)
    }
  }

  /** Counts every change; the number of the last one. */
  get seq(): number {
    return this.#seq
  }

  get(id: string): DriveFile | undefined {
    return this.#files.get(id)
  }

  all(): Iterable<DriveFile> {
    return this.#files.values()
  }

  children(id: string): DriveFile[] {
    return [...this.#children.get(id) ?? []].flatMap((child) => this.#files.get(child) ?? [])
  }

  /** The file itself, then everything below it, parents first. */
  tree(file: DriveFile): DriveFile[] {
    const found = [file]
    for (let at = 0; at < found.length; at++) {
      const one = found[at]
      if (one) found.push(...this.children(one.id))
    }
    return found
  }

  gone(): readonly Tombstone[] {
    return this.#gone
  }

  /** Keeps a new file, or a changed one with its next version. */
  put(file: DriveFile): void {
    file.seq = ++this.#seq
    file.version++
    this.#index(file)
    this.#journal.add({file})
  }

  /** Notes what only shows to one person (viewed, opened): no new version, no change. */
  note(file: DriveFile): void {
    this.#journal.add({file})
  }

  /** Takes one file away for good; `emails` are told so by `changes`. */
  remove(file: DriveFile, emails: string[]): void {
    this.#files.delete(file.id)
    const parent = this.#placed.get(file.id)
    if (parent) this.#children.get(parent)?.delete(file.id)
    this.#placed.delete(file.id)
    this.lost(file.id, emails)
  }

  /** These people cannot see the file any more. */
  lost(id: string, emails: string[]): void {
    const gone = {id, seq: ++this.#seq, time: this.clock.now(), emails}
    this.#gone.push(gone)
    if (!this.#files.has(id)) this.#journal.add({gone})
  }

  /** My Drive, made when it is first asked for. */
  root(email: string): DriveFile {
    return this.#rootOf(email, 'drive', email)
  }

  /** One client's hidden folder in an account. */
  appData(email: string, clientId: string): DriveFile {
    return this.#rootOf(`${email} ${clientId}`, 'appDataFolder', email, clientId)
  }

  flush(): Promise<void> {
    return this.#journal.flush()
  }

  #rootOf(key: string, space: DriveFile['space'], email: string, appClient?: string): DriveFile {
    const known = this.#files.get(this.#roots.get(key) ?? '')
    if (known) return known
    const id = space === 'drive' ? this.ids.root() : this.ids.file((taken) => this.#files.has(taken))
    const root = blankFile({id, name: space === 'drive' ? 'My Drive' : 'appDataFolder', mimeType: mime.folder, parent: null, space, owner: email, now: this.clock.now()})
    if (appClient !== undefined) root.appClient = appClient
    this.#roots.set(key, id)
    this.#journal.add({root: {email: key, id}})
    this.put(root)
    return root
  }

  #index(file: DriveFile): void {
    this.#files.set(file.id, file)
    const before = this.#placed.get(file.id)
    if (before === file.parent) return
    if (before) this.#children.get(before)?.delete(file.id)
    this.#placed.set(file.id, file.parent)
    if (file.parent === null) return
    const siblings = this.#children.get(file.parent) ?? new Set()
    siblings.add(file.id)
    this.#children.set(file.parent, siblings)
  }
}

export interface Blank {
  id: string
  name: string
  mimeType: string
  parent: string | null
  space: DriveFile['space']
  owner: string
  now: number
}

/** A file without content that only its owner sees. */
export function blankFile({id, name, mimeType, parent, space, owner, now}: Blank): DriveFile {
  return {
    id, name, mimeType, parent, space, owner,
    created: now, modified: now, modifiedBy: owner, viewed: {[owner]: now}, modifiedByUser: {[owner]: now}, sharedAt: {},
    starredBy: [], trashed: false, version: 0, seq: 0,
    permissions: [{id: permissionId(owner), type: 'user', role: 'owner', email: owner}],
    revisions: [], properties: {}, appProperties: {}, openedWith: [], writersCanShare: true, copyRequiresWriter: false,
  }
}
