import {CgpuError, errors, sanitizeLine} from '@cgpu/plugin-sdk'
import type {Drive} from './drive.ts'
import {type DriveFile, isNotebook, mime, withEnding} from './files.ts'
import {parseRef, quoted} from './refs.ts'
import {seesOwnFilesOnly} from './scopes.ts'

/** what a name may mean, before it is taken for one that says nothing */
const most = 20

export interface FindOptions {
  /** whether those in the trash are meant; default: they are not */
  trashed?: 'no' | 'only' | 'any'
  /** id of the folder that it must be in, where a name says which */
  folder?: string | undefined
}

/**
 * The one notebook that a name, path, id or address means. Throws NOTEBOOK_NOT_FOUND (66), AMBIGUOUS_NAME, NOT_A_NOTEBOOK (64), and the
 * refusals of `refusals.ts`.
 */
export async function findNotebook(drive: Drive, text: string, options: FindOptions = {}): Promise<DriveFile> {
  const found = await lookForNotebook(drive, text, options)
  if (found) return found
  throw notFound(drive, text, options)
}

/** NOTEBOOK_NOT_FOUND (66). */
export function notFound(drive: Drive, text: string, options: FindOptions = {}): Error {
  const shown = sanitizeLine(text, 200)
  const {account} = drive.access
  const where = options.trashed === 'only' ? `the trash of ${account.email}` : `the Drive of ${account.email}`
  return errors.notFound(`there is no notebook ${shown} in ${where}`, {
    code: 'NOTEBOOK_NOT_FOUND', category: 'file',
    fix: seesOwnFilesOnly(account.scopes) ? `this sign-in sees only what cgpu made; to see all: cgpu auth login --account ${account.email} --scopes drive` : `cgpu notebook list${options.trashed === 'only' ? ' --trashed' : ''}`,
  })
}

/** The same, or undefined where there is none. */
export async function lookForNotebook(drive: Drive, text: string, {trashed = 'no', folder}: FindOptions = {}): Promise<DriveFile | undefined> {
  const ref = parseRef(text, drive.access.colab)
  if (ref.kind === 'id' || ref.maybeId) {
    const file = await byId(drive, ref.kind === 'id' ? ref.id : ref.name)
    if (file && !isNotebook(file)) throw errors.usage(`${sanitizeLine(file.name, 200)} is no notebook: ${sanitizeLine(file.mimeType, 100)}`, {code: 'NOT_A_NOTEBOOK', category: 'file', fix: 'cgpu notebook list'})
    if (file || ref.kind === 'id') return file
  }
  const only = {no: ' and trashed = false', only: ' and trashed = true', any: ''}[trashed] + (folder === undefined ? '' : ` and ${quoted(folder)} in parents`)
  const names = [...new Set([ref.name, withEnding(ref.name)])]
  const named = await collect(drive, names, only, isNotebook)
  const found = named.length > 0 || folder !== undefined ? named : await byPath(drive, ref.name, (name) => collect(drive, [...new Set([name, withEnding(name)])], only, isNotebook))
  return theOne(found, ref.name, 'notebooks')
}

/** A folder, by name, path, id or address; undefined: My Drive itself. Throws FOLDER_NOT_FOUND (66), AMBIGUOUS_NAME (64). */
export async function findFolder(drive: Drive, text: string | undefined): Promise<string | undefined> {
  if (text === undefined || /^(?:drive:)?(?:root|\/)?$/i.test(text)) return undefined
  const ref = parseRef(text, drive.access.colab)
  const isFolder = ({mimeType}: DriveFile): boolean => mimeType === mime.folder
  if (ref.kind === 'id' || ref.maybeId) {
    const file = await byId(drive, ref.kind === 'id' ? ref.id : ref.name)
    if (file && isFolder(file)) return file.id
  }
  if (ref.kind === 'name') {
    const only = ` and trashed = false and mimeType = ${quoted(mime.folder)}`
    const name = ref.name.replace(/\/+$/, '')
    const named = await collect(drive, [name], only, isFolder)
    const found = theOne(named.length > 0 ? named : await byPath(drive, name, (last) => collect(drive, [last], only, isFolder)), name, 'folders')
    if (found) return found.id
  }
  throw errors.notFound(`there is no folder ${sanitizeLine(text, 200)} in the Drive of ${drive.access.account.email}`, {code: 'FOLDER_NOT_FOUND', category: 'file', fix: 'make it at https://drive.google.com, or give its id or address'})
}

/** Where something new is to be: `folder/name`, as it is found later, or `folder` and a name. `folder` of the result: its id; undefined: My Drive. Throws what `findFolder` does. */
export async function newPlace(drive: Drive, text: string, folder?: string): Promise<{name: string; folder: string | undefined}> {
  const path = text.replace(/^drive:(?!\/\/)/i, '').replace(/^\/+/, '') || text
  const slash = folder === undefined ? path.lastIndexOf('/') : -1
  const name = path.slice(slash + 1)
  if (name === '') throw errors.usage(`${sanitizeLine(text, 200)} names a folder, and no notebook in it`, {code: 'INVALID_NAME', category: 'file', fix: 'give folder/name'})
  return {name: withEnding(name), folder: await findFolder(drive, slash > 0 ? path.slice(0, slash) : folder)}
}

/** A file or what a shortcut stands for; undefined: there is none with that id. */
async function byId(drive: Drive, id: string): Promise<DriveFile | undefined> {
  try {
    const file = await drive.get(id)
    return file.target === null ? file : await drive.get(file.target)
  } catch (error) {
    if (error instanceof CgpuError && error.code === 'NOTEBOOK_NOT_FOUND') return undefined
    throw error
  }
}

async function collect(drive: Drive, names: readonly string[], only: string, fits: (file: DriveFile) => boolean): Promise<DriveFile[]> {
  const found: DriveFile[] = []
  for await (const file of drive.list(`(${names.map((name) => `name = ${quoted(name)}`).join(' or ')})${only}`, {pageSize: 100})) {
    if (fits(file)) found.push(file)
    if (found.length >= most) break
  }
  // Drive does not tell upper case from lower
  for (const name of names) {
    const exact = found.filter((file) => file.name === name)
    if (exact.length > 0) return exact
  }
  return found
}

/** `folder/sub/name`: those of that name whose folders are called so. */
async function byPath(drive: Drive, path: string, named: (name: string) => Promise<DriveFile[]>): Promise<DriveFile[]> {
  const parts = path.split('/').filter((part) => part !== '')
  const name = parts.pop()
  if (name === undefined || parts.length === 0) return []
  const found: DriveFile[] = []
  for (const file of await named(name)) {
    if (await isBelow(drive, file, parts)) found.push(file)
  }
  return found
}

async function isBelow(drive: Drive, file: DriveFile, folders: readonly string[]): Promise<boolean> {
  let at = file
  for (const folder of folders.toReversed()) {
    const [parent] = at.parents
    const above = parent === undefined ? undefined : await byId(drive, parent)
    if (above?.name !== folder) return false
    at = above
  }
  return true
}

function theOne(found: readonly DriveFile[], name: string, what: string): DriveFile | undefined {
  if (found.length <= 1) return found[0]
  const candidates = found.map(({id, modifiedAt, owner}) => ({id, modifiedAt, owner}))
  const told = candidates.slice(0, 5).map(({id, modifiedAt, owner}) => `${id} (${[modifiedAt?.slice(0, 16).replace('T', ' '), owner].filter(Boolean).join(', ')})`)
  throw errors.usage(`${found.length}${found.length >= most ? ' or more' : ''} ${what} are called ${sanitizeLine(name, 200)}: ${sanitizeLine(told.join('; '), 1000)}${found.length > 5 ? '; …' : ''}`, {
    code: 'AMBIGUOUS_NAME', category: 'file', fix: 'give the id instead of the name', details: {candidates},
  })
}
