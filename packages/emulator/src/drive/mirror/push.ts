import {constants} from 'node:fs'
import {copyFile, mkdir, rename, rm, utimes} from 'node:fs/promises'
import {join} from 'node:path'
import {head, mime} from '../model.ts'
import type {Place} from './pull.ts'
import {markOf} from './scan.ts'
import {type Entry, type Wanted, wanted} from './tree.ts'

/**
 * Brings the folder to what the API made of My Drive. What somebody changed in the folder since the last look is left
 * alone: the next look takes it over.
 */
export async function push(place: Place, staging: string): Promise<void> {
  const {tree, store, rootId} = place
  const want = wanted(store, rootId, tree)
  await mkdir(staging, {recursive: true, mode: 0o700})
  const staged = await stage(place, staging, want)
  for (const one of want.values()) {
    const above = tree.path(one.parent)
    if (above === undefined) continue
    const path = join(place.path, above, one.name)
    const entry = tree.get(one.file.id)
    const moved = staged.get(one.file.id)
    if (moved) await settle(place, moved, one, path, join(staging, one.file.id))
    else if (!entry) await show(place, one, path, staging)
    if (tree.get(one.file.id)) await refresh(place, one, path, staging)
  }
  await rm(staging, {recursive: true, force: true})
}

/** Takes away what is gone or stands elsewhere now, the deepest first, so that what moves is out before its folder goes. */
async function stage(place: Place, staging: string, want: Map<string, Wanted>): Promise<Map<string, Entry>> {
  const {tree} = place
  const staged = new Map<string, Entry>()
  const leaving = tree.all().flatMap((entry) => {
    const one = want.get(entry.id)
    const path = tree.path(entry.id)
    if (path === undefined || (one && one.parent === entry.parent && one.name === entry.name)) return []
    return [{entry, path, stays: one !== undefined}]
  })
  for (const {entry, path, stays} of leaving.toSorted((a, b) => b.path.split('/').length - a.path.split('/').length)) {
    const from = join(place.path, path)
    const mark = await markOf(from)
    if (mark && !stays && mark.kind === 'file' && mark.state !== entry.mark.state) continue
    if (mark) await rename(from, join(staging, entry.id))
    if (stays && mark) staged.set(entry.id, entry)
    else tree.delete(entry.id)
  }
  return staged
}

async function settle({tree}: Place, entry: Entry, one: Wanted, path: string, from: string): Promise<void> {
  if (await markOf(path)) {
    tree.delete(entry.id)
    return
  }
  await rename(from, path)
  const mark = await markOf(path)
  if (mark) tree.set({...entry, parent: one.parent, name: one.name, mark: mark.kind === 'folder' || sameContent(mark.state, entry.mark.state) ? mark : entry.mark})
}

/** A rename changes the last part of a state only. */
const sameContent = (a: string, b: string): boolean => a.split(' ').slice(0, 3).join(' ') === b.split(' ').slice(0, 3).join(' ')

async function show({tree, blobs}: Place, {file, parent, name}: Wanted, path: string, staging: string): Promise<void> {
  if (await markOf(path)) return
  if (file.mimeType === mime.folder) await mkdir(path, {mode: 0o700})
  else await put(blobs.path(head(file)?.id ?? ''), path, join(staging, file.id), file.modified)
  const mark = await markOf(path)
  if (mark) tree.set({id: file.id, parent, name, revision: head(file)?.id, mark})
}

async function refresh({tree, blobs}: Place, {file}: Wanted, path: string, staging: string): Promise<void> {
  const entry = tree.get(file.id)
  const revision = head(file)?.id
  if (!entry || revision === undefined || entry.revision === revision) return
  const before = await markOf(path)
  if (before?.state !== entry.mark.state) return
  await put(blobs.path(revision), path, join(staging, file.id), file.modified)
  const mark = await markOf(path)
  if (mark) tree.set({...entry, revision, mark})
}

async function put(from: string, to: string, by: string, modified: number): Promise<void> {
  await copyFile(from, by, constants.COPYFILE_FICLONE)
  await utimes(by, modified / 1000, modified / 1000)
  await rename(by, to)
}
