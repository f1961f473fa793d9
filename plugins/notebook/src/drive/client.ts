import {type CgpuCommand, errors, googleAccess, sanitizeLine} from '@cgpu/plugin-sdk'
import {download, type DownloadOptions} from './download.ts'
import {Drive} from './drive.ts'
import type {DriveFile} from './files.ts'
import {findFolder, findNotebook, lookForNotebook, newPlace, notFound} from './find.ts'
import {parseRef} from './refs.ts'
import {scopesFor} from './scopes.ts'
import {upload} from './upload.ts'

export interface OpenDriveOptions {
  /** email or id; default: the account that counts */
  account?: string | undefined
  /** `make`: new files only */
  use: keyof typeof scopesFor
}

/** The Drive of an account. Throws what the SDK's `googleAccess` does: SIGN_IN_REQUIRED, SCOPE_MISSING (67) and so on. */
export async function openDrive(command: CgpuCommand, {account, use}: OpenDriveOptions): Promise<Drive> {
  return new Drive({access: await googleAccess(command, {account, scopes: scopesFor[use]})})
}

/** A notebook's file as it is, and its facts; `file.revision` is what `writeNotebook` takes as `expected`. `ref`: name, path, id or address, with or without `drive:`. */
export async function readNotebook(drive: Drive, ref: string, options: DownloadOptions = {}): Promise<{file: DriveFile; bytes: Buffer}> {
  return download(drive, await findNotebook(drive, ref), options)
}

export interface WriteOptions extends DownloadOptions {
  /** the revision that it is to replace: another one throws DRIVE_CHANGED (72) */
  expected?: string | null | undefined
  /** name, path, id or address of the folder for a new one; default: what stands before the last slash of the ref, else My Drive */
  folder?: string | undefined
}

/** Writes the notebook that the ref means, or a new one of that name. `bytes`: a notebook's file. */
export async function writeNotebook(drive: Drive, ref: string, bytes: Uint8Array, {expected, folder, ...options}: WriteOptions = {}): Promise<{file: DriveFile; created: boolean}> {
  const inFolder = folder === undefined ? undefined : await findFolder(drive, folder) ?? 'root'
  const there = await lookForNotebook(drive, ref, {folder: inFolder})
  if (there) {
    if (expected != null && there.revision !== expected) throw changed(there)
    return {file: await upload(drive.transport, {...options, target: {id: there.id, mimeType: there.mimeType}, bytes}), created: false}
  }
  const wanted = parseRef(ref, drive.access.colab)
  if (wanted.kind === 'id') throw notFound(drive, ref) // nobody chooses ids
  const target = await newPlace(drive, ref, folder)
  return {file: await upload(drive.transport, {...options, target, bytes}), created: true}
}

/** DRIVE_CHANGED (72). */
export function changed({id, name, modifiedAt}: DriveFile, local?: string): Error {
  return errors.conflict(`${sanitizeLine(name, 200)} was changed in Drive since you got it${modifiedAt === null ? '' : `, last at ${modifiedAt}`}`, {
    code: 'DRIVE_CHANGED', category: 'file', details: {id, modifiedAt},
    fix: `look at it: cgpu notebook get ${id} -o theirs.ipynb; to replace it: cgpu notebook put ${local === undefined ? 'FILE' : sanitizeLine(local, 200)} --force`,
  })
}

