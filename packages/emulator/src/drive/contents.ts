import {existsSync} from 'node:fs'
import {Readable} from 'node:stream'
import type {Blobs, Received} from './blobs.ts'
import {refuse} from './errors.ts'
import type {Content, DriveFile} from './model.ts'
import {quotaBytes} from './resource.ts'
import type {Store} from './store.ts'

/** Bytes of an upload, and what their header says they are. */
export interface Media {
  received: Received
  type: string
}

const keptRevisions = 20
/** of revisions before the head: a machine that writes a big file again and again must not fill the disk */
const keptBytes = 256 * 2 ** 20

/** The bytes of files: their revisions, and the room that an account has for them. */
export class Contents {
  /** of every account */
  readonly quotaBytes: number
  readonly #store: Store
  readonly #blobs: Blobs

  constructor(store: Store, blobs: Blobs, quota: number) {
    this.#store = store
    this.#blobs = blobs
    this.quotaBytes = quota
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

  /** The content of a file that was made without any. */
  nothing(): Promise<Received> {
    return this.#blobs.receive(Readable.from([]))
  }

  /** What machines write into a mirrored folder is not asked: it is there already. */
  room(file: DriveFile, size: number): void {
    if (this.used(file.owner).drive + size > this.quotaBytes) throw refuse.quota()
  }

  /** Makes these bytes the file's newest revision. */
  async attach(file: DriveFile, media: Media, {by, type, keep, modified}: {by: string; type: string; keep: boolean; modified: number}): Promise<void> {
    const {received} = media
    const content: Content = {
      id: this.#store.ids.revision((id) => existsSync(this.#blobs.path(id))), size: received.size, md5: received.md5, sha1: received.sha1, sha256: received.sha256,
      mimeType: type, modified, by, name: file.name, keep,
    }
    await this.#blobs.keep(received, content.id)
    file.revisions.push(content)
    await this.#forgetOld(file)
  }

  async #forgetOld(file: DriveFile): Promise<void> {
    for (;;) {
      const old = file.revisions.slice(0, -1).filter((one) => !one.keep)
      const [first] = old
      if (!first || (file.revisions.length <= keptRevisions && old.reduce((sum, one) => sum + one.size, 0) <= keptBytes)) return
      file.revisions = file.revisions.filter((one) => one !== first)
      await this.#blobs.drop(first.id)
    }
  }
}
