import {createReadStream} from 'node:fs'
import {mkdir} from 'node:fs/promises'
import {join} from 'node:path'
import type {Blobs} from '../blobs.ts'
import type {Files} from '../files.ts'
import {head} from '../model.ts'
import type {Store} from '../store.ts'
import {type Place, pull} from './pull.ts'
import {push} from './push.ts'
import {scan} from './scan.ts'
import {Tree, wanted} from './tree.ts'

interface Mirror extends Place {
  staging: string
}

/** The real folders that show accounts' My Drive. One look or change at a time. */
export class Mirrors {
  readonly #folder: string
  readonly #store: Store
  readonly #blobs: Blobs
  readonly #files: Files
  readonly #mirrors = new Map<string, Mirror>()
  #line: Promise<void> = Promise.resolve()
  #next: Promise<void> | undefined
  #shown = 0

  constructor(folder: string, {store, blobs, files}: {store: Store; blobs: Blobs; files: Files}) {
    this.#folder = folder
    this.#store = store
    this.#blobs = blobs
    this.#files = files
  }

  /** The account's folder, up to date; kept so from now on. */
  async folder(email: string): Promise<string> {
    await this.#inLine(async () => {
      if (!this.#mirrors.has(email)) await this.#begin(email)
    })
    await this.pull()
    await this.push()
    return this.#mirrors.get(email)?.path ?? this.#folder
  }

  /** Takes over what was written into the folders until now. Those who ask at the same time share one look. */
  pull(): Promise<void> {
    if (this.#mirrors.size === 0) return Promise.resolve()
    this.#next ??= this.#inLine(async () => {
      this.#next = undefined
      for (const mirror of this.#mirrors.values()) await pull(mirror)
    })
    return this.#next
  }

  /** Shows in the folders what changed since the last time. */
  push(): Promise<void> {
    if (this.#mirrors.size === 0) return Promise.resolve()
    return this.#inLine(async () => {
      if (this.#shown === this.#store.seq) return
      this.#shown = this.#store.seq
      for (const mirror of this.#mirrors.values()) await push(mirror, mirror.staging)
    })
  }

  #inLine(what: () => Promise<void>): Promise<void> {
    const turn = this.#line.catch(() => undefined).then(what)
    this.#line = turn
    return turn
  }

  async #begin(email: string): Promise<void> {
    const own = join(this.#folder, encodeURIComponent(email))
    const rootId = this.#store.root(email).id
    const mirror: Mirror = {
      email, rootId, path: join(own, 'MyDrive'), staging: join(own, 'staging'), tree: new Tree(rootId),
      store: this.#store, blobs: this.#blobs, files: this.#files,
    }
    await mkdir(mirror.path, {recursive: true, mode: 0o700})
    await recognise(mirror)
    this.#mirrors.set(email, mirror)
    this.#shown = 0
  }
}

/** Finds the files of an earlier emulator in the folder that it left. What differs was written after it ended. */
async function recognise(mirror: Mirror): Promise<void> {
  const {tree, store, blobs, rootId, path: root} = mirror
  const seen = new Map((await scan(root)).map((one) => [one.path, one]))
  if (seen.size === 0) return
  for (const {file, parent, name} of wanted(store, rootId, tree).values()) {
    const above = tree.path(parent)
    const found = above === undefined ? undefined : seen.get(above === '' ? name : `${above}/${name}`)
    const content = head(file)
    if (!found || (found.mark.kind === 'folder') !== (content === undefined)) continue
    const same = content === undefined || (await blobs.sum(createReadStream(join(root, found.path)))) === content.sha256
    tree.set({id: file.id, parent, name, revision: content?.id, mark: same ? found.mark : {...found.mark, state: 'unknown'}})
  }
}
