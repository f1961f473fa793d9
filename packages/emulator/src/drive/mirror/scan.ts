import {lstat, readdir} from 'node:fs/promises'
import {join} from 'node:path'
import type {BigIntStats} from 'node:fs'
import {errnoOf} from '@cgpu/core/state/write-error'
import {ownSuffix} from './names.ts'

/** What tells one state of a file from another, and a moved file from a new one. */
export interface Mark {
  kind: 'file' | 'folder'
  /** stays the same when the file is moved */
  identity: string
  /** another one: the content may be another */
  state: string
}

export interface Seen {
  /** path below the root, with `/` */
  path: string
  /** '' in the root */
  folder: string
  name: string
  mark: Mark
}

/** Everything below a folder, parents first. Links, pipes and sockets are no files of Drive's. */
export async function scan(root: string): Promise<Seen[]> {
  const seen: Seen[] = []
  const folders = ['']
  for (let at = 0; at < folders.length; at++) {
    const folder = folders[at] ?? ''
    const names = (await readdir(join(root, folder)).catch(absent<string[]>([]))).filter((name) => !name.endsWith(ownSuffix)).toSorted()
    const marks = await Promise.all(names.map((name) => markOf(join(root, folder, name))))
    for (const [index, name] of names.entries()) {
      const path = folder === '' ? name : `${folder}/${name}`
      const mark = marks[index]
      if (!mark) continue
      seen.push({path, folder, name, mark})
      if (mark.kind === 'folder') folders.push(path)
    }
  }
  return seen
}

/** Undefined: there is nothing, or nothing that Drive could hold. */
export async function markOf(path: string): Promise<Mark | undefined> {
  const stat = await lstat(path, {bigint: true}).catch(absent<BigIntStats | undefined>(undefined))
  if (stat?.isDirectory()) return {kind: 'folder', identity: `${stat.ino} ${stat.birthtimeNs}`, state: ''}
  if (!stat?.isFile()) return undefined
  const content = `${stat.size} ${stat.mtimeNs}`
  return {kind: 'file', identity: `${stat.ino} ${stat.birthtimeNs} ${content}`, state: `${stat.ino} ${content} ${stat.ctimeNs}`}
}

const absent = <T>(value: T) => (error: unknown): T => {
  if (['ENOENT', 'ENOTDIR', 'EACCES'].includes(errnoOf(error) ?? '')) return value
  throw error
}
