import {createHash, randomBytes} from 'node:crypto'
import {chmod, readFile, writeFile} from 'node:fs/promises'
import {posix} from 'node:path'
import {errors} from '@cgpu/core/errors'
import {cannotWrite} from '@cgpu/core/state/write-error'
import {formatBytes} from '@cgpu/core/text/format'
import {sanitizeLine} from '@cgpu/core/text/line'
import type {DescribedEntry} from '@cgpu/core/files/remote'
import type {There} from '../files-command.ts'
import {noFile, notAFile} from '../files-command.ts'

/** More is no text that a person edits. */
const mostBytes = 64 * 1024 * 1024

/** The remote file as it was when it was fetched. */
export interface Before {
  /** what it is written back to: a link leads there */
  path: string
  /** undefined: there was none */
  sha256: string | undefined
  mode: number | undefined
}

/** Fetches a file to be edited, for this user's eyes only. Without one there an empty file is made. */
export async function fetchForEdit({files, agent, name, signal}: There, path: string, local: string): Promise<Before> {
  const about = await files.describe(path, {follow: true, hash: true, signal}).catch((error: unknown) => {
    if (isMissing(error)) return undefined
    throw error
  })
  if (!about) {
    await newFileFits({files, name, signal}, path)
    await writeFile(local, '', {mode: 0o600, flag: 'wx'}).catch((error: unknown) => {
      throw cannotWrite(local, error)
    })
    return {path, sha256: undefined, mode: undefined}
  }
  if (about.type === 'directory') throw notAFile(path, name)
  if (about.type !== 'file') throw errors.usage(`${sanitizeLine(path, 200)} on ${name} is not a file`, {code: 'NOT_A_FILE', category: 'file', fix: 'give the path of a file'})
  if (about.size > mostBytes) {
    throw errors.usage(`${sanitizeLine(path, 200)} is too big to edit (${formatBytes(about.size)})`, {code: 'FILE_TOO_BIG', category: 'file', fix: `fetch it: cgpu cp ${name}:${sanitizeLine(path, 200)} .`})
  }
  const {sha256} = await agent.download(path, local, {signal})
  await chmod(local, 0o600)
  return {path: about.real, sha256, mode: about.mode}
}

/** Writes the copy back unless the file there is another by now: FILE_CHANGED (72). */
export async function writeBack({files, agent, signal}: There, local: string, before: Before): Promise<void> {
  const {dir, base} = posix.parse(before.path)
  const beside = posix.join(dir, `.${base.slice(0, 200)}.cgpu-${randomBytes(6).toString('hex')}.part`)
  await agent.upload(local, beside, {signal, mode: before.mode ?? 0o644})
  try {
    await files.replace(before.path, beside, before.sha256, {signal})
  } catch (error) {
    await files.remove(beside).catch(() => undefined) // the machine removed it itself where it refused
    throw error
  }
}

/** What is in the copy now. */
export async function hashOf(local: string): Promise<string> {
  const bytes = await readFile(local).catch((error: unknown) => {
    throw errors.notFound('the editor left no file', {code: 'FILE_NOT_FOUND', category: 'file', fix: 'edit it again, and save it in its place', cause: error})
  })
  return createHash('sha256').update(bytes).digest('hex')
}

export const emptyHash = createHash('sha256').digest('hex')

async function newFileFits({files, name, signal}: Pick<There, 'files' | 'name' | 'signal'>, path: string): Promise<void> {
  const folder = posix.dirname(path)
  const about: DescribedEntry | undefined = await files.describe(folder, {follow: true, signal}).catch(() => undefined)
  if (about?.type !== 'directory' || path.endsWith('/')) throw noFile(path.endsWith('/') ? path : folder, name)
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'REMOTE_NOT_FOUND'
}
