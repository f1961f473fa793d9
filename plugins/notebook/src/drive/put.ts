import {readFile} from 'node:fs/promises'
import {basename} from 'node:path'
import {CgpuError, errors, sanitizeLine} from '@cgpu/plugin-sdk'
import {parseNotebook} from '../format/read.ts'
import {changed} from './client.ts'
import type {DownloadOptions} from './download.ts'
import type {Drive} from './drive.ts'
import {type DriveFile, withEnding} from './files.ts'
import {findFolder, findNotebook, lookForNotebook, newPlace} from './find.ts'
import {md5Of} from './get.ts'
import type {Got, GotStore} from './got.ts'
import {parseRef} from './refs.ts'
import {upload} from './upload.ts'

export interface PutOptions extends DownloadOptions {
  /** the notebook in Drive; default: the one that the file came from, else the one of its name */
  ref?: string | undefined
  /** the folder to look in, and to put a new one into */
  folder?: string | undefined
  /** also over changes in Drive that are not here */
  force: boolean
  /** a new one, whatever is there */
  asNew: boolean
  store: GotStore
}

export interface Put {
  file: DriveFile
  status: 'created' | 'updated' | 'unchanged'
}

/**
 * Writes a local notebook to Drive. Throws NOTEBOOK_NOT_FOUND (66), what is wrong with the notebook (65), and where something in Drive would be lost
 * DRIVE_CHANGED or NOTEBOOK_EXISTS (72).
 */
export async function putNotebook(drive: Drive, local: string, options: PutOptions): Promise<Put> {
  const {ref, folder, force, asNew, store, ...rest} = options
  const bytes = await read(local)
  parseNotebook(bytes.toString('utf8'), sanitizeLine(local, 200))
  const mine = md5Of(bytes)
  const parent = folder === undefined ? undefined : await findFolder(drive, folder) ?? 'root'
  const before = await store.get(local, drive.access.drive)
  const there = asNew ? undefined : await target(drive, {ref, local, parent, before})
  const keep = async (put: Put): Promise<Put> => {
    await store.set(local, {drive: drive.access.drive, id: put.file.id, revision: put.file.revision, md5: put.file.md5 ?? mine})
    return put
  }
  if (there?.md5 === mine) return keep({file: there, status: 'unchanged'})
  if (there && !force) refuseLoss(there, before, local)
  const goal = there ? {id: there.id, mimeType: there.mimeType} : ref === undefined ? {name: withEnding(basename(local)), folder: parent} : await newPlace(drive, ref, folder)
  // a long upload leaves others time to save theirs
  const mayFinish = there && !force ? async (): Promise<void> => {
    const now = await drive.get(there.id)
    if (now.revision !== there.revision) throw changed(now, local)
  } : undefined
  const file = await upload(drive.transport, {...rest, target: goal, bytes, mayFinish})
  return keep({file, status: there ? 'updated' : 'created'})
}

/** The notebook in Drive that is meant; undefined: a new one. */
async function target(drive: Drive, {ref, local, parent, before}: {ref: string | undefined; local: string; parent: string | undefined; before: Got | undefined}): Promise<DriveFile | undefined> {
  if (ref !== undefined) return parseRef(ref, drive.access.colab).kind === 'id' ? findNotebook(drive, ref) : lookForNotebook(drive, ref, {folder: parent})
  if (before && parent === undefined) {
    const known = await drive.get(before.id).catch((error: unknown) => {
      if (error instanceof CgpuError && error.code === 'NOTEBOOK_NOT_FOUND') return undefined
      throw error
    })
    if (known && !known.trashed) return known
  }
  return lookForNotebook(drive, basename(local), {folder: parent})
}

function refuseLoss(there: DriveFile, before: Got | undefined, local: string): void {
  if (before?.id === there.id) {
    if (there.revision === before.revision || (there.md5 !== null && there.md5 === before.md5)) return
    throw changed(there, local)
  }
  throw errors.conflict(`there is a notebook ${sanitizeLine(there.name, 200)} in Drive that ${sanitizeLine(local, 200)} did not come from`, {
    code: 'NOTEBOOK_EXISTS', category: 'file', details: {id: there.id, modifiedAt: there.modifiedAt}, fix: '--new keeps both, --force replaces the one in Drive',
  })
}

async function read(local: string): Promise<Buffer> {
  try {
    return await readFile(local)
  } catch (error) {
    const why = error instanceof Error && 'code' in error ? String(error.code) : String(error)
    throw errors.notFound(`the notebook ${sanitizeLine(local, 200)} cannot be read: ${why === 'ENOENT' ? 'it is not there' : why}`, {code: 'NOTEBOOK_NOT_FOUND', category: 'file', fix: 'check the path', cause: error})
  }
}
