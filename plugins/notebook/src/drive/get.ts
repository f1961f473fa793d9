import {createHash} from 'node:crypto'
import {readFile, stat} from 'node:fs/promises'
import {errors, sanitizeLine, writeAtomic} from '@cgpu/plugin-sdk'
import {parseNotebook} from '../format/read.ts'
import {readNotebook} from './client.ts'
import type {DownloadOptions} from './download.ts'
import type {Drive} from './drive.ts'
import type {DriveFile} from './files.ts'
import type {GotStore} from './got.ts'
import {localName} from './local-name.ts'

export const md5Of = (bytes: Uint8Array): string => createHash('md5').update(bytes).digest('hex')

export interface GetOptions extends DownloadOptions {
  /** where to; default: its name, in this folder */
  out?: string | undefined
  /** also over a file that has changes of its own */
  force: boolean
  store: GotStore
}

/** A notebook of Drive, checked. Throws NOTEBOOK_NOT_JSON, NOTEBOOK_INVALID and so on (65). */
export async function readChecked(drive: Drive, ref: string, options: DownloadOptions): Promise<{file: DriveFile; bytes: Buffer}> {
  const found = await readNotebook(drive, ref, options)
  parseNotebook(found.bytes.toString('utf8'), sanitizeLine(found.file.name, 200))
  return found
}

/**
 * Writes a notebook of Drive to a file, whole or not at all. Throws LOCAL_CHANGED (72) where that would replace what nobody has elsewhere,
 * and CANNOT_WRITE (73).
 */
export async function getNotebook(drive: Drive, ref: string, {out, force, store, ...options}: GetOptions): Promise<{file: DriveFile; path: string; changed: boolean}> {
  const {file, bytes} = await readChecked(drive, ref, options)
  const path = out ?? localName(file.name)
  const there = await stat(path).catch(() => undefined)
  if (there?.isDirectory()) throw errors.cannotWrite(`${sanitizeLine(path)} is a folder`, {code: 'CANNOT_WRITE', fix: 'give the path of a file with -o'})
  const now = there && md5Of(await readFile(path))
  const theirs = md5Of(bytes)
  if (now !== undefined && now !== theirs && !force) {
    const before = await store.get(path, drive.access.drive)
    if (before?.id !== file.id || before.md5 !== now) {
      throw errors.conflict(`${sanitizeLine(path)} ${before?.id === file.id ? 'was changed here since you got it' : 'is there already, and is another notebook'}`, {
        code: 'LOCAL_CHANGED', category: 'file', fix: 'give another file with -o, or replace it with --force',
      })
    }
  }
  if (now !== theirs) await writeAtomic(path, bytes, {mode: there ? there.mode & 0o777 : 0o666, followLink: true})
  await store.set(path, {drive: drive.access.drive, id: file.id, revision: file.revision, md5: theirs})
  return {file, path, changed: now !== theirs}
}
