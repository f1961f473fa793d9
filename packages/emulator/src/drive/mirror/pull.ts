import {createReadStream} from 'node:fs'
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
  for (const one of seen) {
    const parent = ids.get(one.folder)
    if (parent === undefined) continue
    const entry = isFresh.has(one) ? missing.get(one.mark.identity) : known.get(one.path)
    if (!entry) {
      const id = await takeNew(place, one, parent)
      if (id !== undefined) ids.set(one.path, id)
      continue
    }
    if (isFresh.has(one)) {
      missing.delete(one.mark.identity)
      move(place, entry, one, parent)
    }
    ids.set(one.path, entry.id)
    await takeContent(place, entry, one)
  }
  for (const entry of missing.values()) forget(place, entry)
}

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

async function takeNew(place: Place, {name, path, mark}: Seen, parent: string): Promise<string | undefined> {
  const {tree, files, email, store} = place
  if (!store.get(parent)) return undefined
  const found = mark.kind === 'folder' ? 'folder' : await read(place, path)
  if (found === undefined) return undefined
  const file = await files.adopt(email, parent, name, found)
  tree.set({id: file.id, parent, name, revision: head(file)?.id, mark})
  return file.id
}

async function takeContent(place: Place, entry: Entry, {path, mark}: Seen): Promise<void> {
  const {tree, store, blobs, files, email} = place
  const now = tree.get(entry.id)
  if (!now || mark.kind === 'folder' || now.mark.state === mark.state) return
  const file = store.get(entry.id)
  // the API took it away while the machine wrote it: at the next look it is a new file
  if (!file) return tree.delete(entry.id)
  const received = await read(place, path)
  if (!received) return
  if (head(file)?.sha256 === received.sha256) await blobs.discard(received)
  else await files.replace(email, file, received)
  tree.set({...now, revision: head(file)?.id, mark})
}

/** Undefined: it went away meanwhile. Written to meanwhile: its mark is another one then, and the next look takes it again. */
async function read({path: root, blobs}: Place, path: string): Promise<Received | undefined> {
  try {
    return await blobs.receive(createReadStream(join(root, path)))
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
