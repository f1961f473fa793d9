import {join} from 'node:path'
import {errnoOf} from '@cgpu/core/state/write-error'
import type {Blobs, Received} from '../blobs.ts'
import {head} from '../model.ts'
import type {Files} from '../files.ts'
import type {Store} from '../store.ts'
import {type Seen, scan} from './scan.ts'
import type {Entry, Tree} from './tree.ts'

export interface Place {
  email: string
  /** id of My Drive */
  rootId: string
  path: string
  tree: Tree
  store: Store
  blobs: Blobs
  files: Files
}

/** Takes over what changed in the folder: new, changed, moved and deleted files. A deleted one goes to the bin, as on a real mount. */
export async function pull(place: Place): Promise<void> {
  const {tree} = place
  const known = new Map<string, Entry>()
  for (const entry of tree.all()) {
    const path = tree.path(entry.id)
    if (path !== undefined) known.set(path, entry)
  }
  const seen = await scan(place.path)
  const stayed = new Set<string>()
  const fresh: Seen[] = []
  for (const one of seen) {
    const entry = known.get(one.path)
    if (entry && entry.mark.kind === one.mark.kind) stayed.add(entry.id)
    else fresh.push(one)
  }
  const missing = new Map<string, Entry>()
  for (const entry of known.values()) if (!stayed.has(entry.id)) missing.set(entry.mark.identity, entry)

  // parents come first, so the folder of everything has its id by then
  const ids = new Map<string, string>([['', place.rootId]])
  const isFresh = new Set(fresh)
  const content: Content[] = []
  for (const one of seen) {
    const parent = ids.get(one.folder)
    if (parent === undefined) continue
    const entry = isFresh.has(one) ? missing.get(one.mark.identity) : known.get(one.path)
    if (entry && isFresh.has(one)) {
      missing.delete(one.mark.identity)
      move(place, entry, one, parent)
    }
    if (one.mark.kind === 'folder') {
      const id = entry?.id ?? await takeFolder(place, one, parent)
      if (id !== undefined) ids.set(one.path, id)
    } else if (!entry || tree.get(entry.id)?.mark.state !== one.mark.state) content.push({seen: one, parent, id: entry?.id})
  }
  await takeContent(place, content)
  for (const entry of missing.values()) forget(place, entry)
}

/** Bytes that are to be taken over. */
interface Content {
  seen: Seen
  parent: string
  /** undefined: a new file */
  id: string | undefined
}

const atOnce = 16

/** A file that another place of the folder had before. */
function move({tree, store, email}: Place, entry: Entry, seen: Seen, parent: string): void {
  const file = store.get(entry.id)
  const renamed = entry.name !== seen.name
  tree.set({...entry, parent, name: seen.name, mark: seen.mark.kind === 'folder' ? seen.mark : entry.mark})
  if (!file || (!renamed && file.parent === parent)) return
  if (renamed) file.name = seen.name
  file.parent = parent
  file.modifiedBy = email
  store.put(file)
}

async function takeFolder({tree, store, files, email}: Place, {name, mark}: Seen, parent: string): Promise<string | undefined> {
  if (!store.get(parent)) return undefined
  const {id} = await files.adopt(email, parent, name, 'folder')
  tree.set({id, parent, name, revision: undefined, mark})
  return id
}

/** Reads several at once, and takes them over in their order. */
async function takeContent(place: Place, all: Content[]): Promise<void> {
  for (let at = 0; at < all.length; at += atOnce) {
    const some = all.slice(at, at + atOnce)
    const read = await Promise.all(some.map((one) => readFile(place, one.seen.path)))
    for (const [index, one] of some.entries()) {
      const received = read[index]
      if (received) await takeFile(place, one, received)
    }
  }
}

async function takeFile({tree, store, blobs, files, email}: Place, {seen: {name, mark}, parent, id}: Content, received: Received): Promise<void> {
  if (id === undefined) {
    if (!store.get(parent)) return blobs.discard(received)
    const file = await files.adopt(email, parent, name, received)
    tree.set({id: file.id, parent, name, revision: head(file)?.id, mark})
    return
  }
  const [entry, file] = [tree.get(id), store.get(id)]
  if (!entry || !file || head(file)?.sha256 === received.sha256) await blobs.discard(received)
  else await files.replace(email, file, received)
  // what the API took away while the machine wrote it is a new file at the next look
  if (!file) tree.delete(id)
  else if (entry) tree.set({...entry, revision: head(file)?.id, mark})
}

/** Undefined: it went away meanwhile. Written to meanwhile: its mark is another one then, and the next look takes it again. */
async function readFile({path: root, blobs}: Place, path: string): Promise<Received | undefined> {
  try {
    return await blobs.copy(join(root, path))
  } catch (error) {
    if (['ENOENT', 'EACCES', 'EISDIR'].includes(errnoOf(error) ?? '')) return undefined
    throw error
  }
}

function forget({tree, store, email}: Place, entry: Entry): void {
  tree.delete(entry.id)
  const file = store.get(entry.id)
  const above = tree.path(entry.parent)
  // what went with its folder is in the bin with it
  if (!file || file.trashed || above === undefined || file.parent !== entry.parent) return
  file.trashed = true
  file.trashedAt = store.clock.now()
  file.trashedBy = email
  store.put(file)
}
