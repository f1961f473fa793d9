import type {DriveFile} from '../model.ts'
import {head, isNative, mime} from '../model.ts'
import type {Store} from '../store.ts'
import {allocate} from './names.ts'
import type {Mark} from './scan.ts'

/** A file as the folder shows it. */
export interface Entry {
  id: string
  /** id of the folder above */
  parent: string
  name: string
  /** the revision that is there */
  revision: string | undefined
  mark: Mark
}

/** Where a file is to be shown. */
export interface Wanted {
  file: DriveFile
  parent: string
  name: string
}

/** What the folder shows, by id. */
export class Tree {
  readonly #root: string
  readonly #entries = new Map<string, Entry>()

  constructor(root: string) {
    this.#root = root
  }

  get(id: string): Entry | undefined {
    return this.#entries.get(id)
  }

  all(): Entry[] {
    return [...this.#entries.values()]
  }

  set(entry: Entry): void {
    this.#entries.set(entry.id, entry)
  }

  delete(id: string): void {
    this.#entries.delete(id)
  }

  /** Path below the root; undefined when a folder above is not shown any more. */
  path(id: string): string | undefined {
    if (id === this.#root) return ''
    const entry = this.#entries.get(id)
    const above = entry && this.path(entry.parent)
    return above === undefined ? undefined : above === '' ? entry?.name : `${above}/${entry?.name}`
  }
}

/** My Drive by names, parents first: without what is in the bin, and without Google's own documents, which have no bytes. */
export function wanted(store: Store, root: string, tree: Tree): Map<string, Wanted> {
  const found = new Map<string, Wanted>()
  const folders = [root]
  for (let at = 0; at < folders.length; at++) {
    const parent = folders[at] ?? root
    const shown = store.children(parent)
      .filter((file) => !file.trashed && (file.mimeType === mime.folder || (!isNative(file.mimeType) && head(file) !== undefined)))
      .toSorted((a, b) => a.created - b.created || (a.id < b.id ? -1 : 1))
    const names = allocate(shown, (id) => {
      const entry = tree.get(id)
      return entry?.parent === parent ? entry.name : undefined
    })
    for (const file of shown) {
      found.set(file.id, {file, parent, name: names.get(file.id) ?? file.id})
      if (file.mimeType === mime.folder) folders.push(file.id)
    }
  }
  return found
}
