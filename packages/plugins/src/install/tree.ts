import {createHash} from 'node:crypto'
import type {Dirent} from 'node:fs'
import {chmod, lstat, mkdir, open, readdir, readFile} from 'node:fs/promises'
import {dirname, join, relative, sep} from 'node:path'
import {errors} from '@cgpu/core/errors'
import {cannotWrite, errnoOf} from '@cgpu/core/state/write-error'
import {sanitizeLine} from '@cgpu/core/text/line'
import type {PackedFile} from './tar.ts'

/** Writes a package's files into a folder that is not there yet. Throws CANNOT_WRITE (73). */
export async function writeFiles(folder: string, files: readonly PackedFile[]): Promise<void> {
  try {
    await mkdir(folder, {recursive: true, mode: 0o700})
    for (const parent of new Set(files.map(({path}) => dirname(path)))) await mkdir(join(folder, parent), {recursive: true})
    for (const {path, data, executable} of files) {
      const file = await open(join(folder, path), 'wx', executable ? 0o755 : 0o644)
      try {
        await file.writeFile(data)
      } finally {
        await file.close()
      }
    }
  } catch (error) {
    throw cannotWrite(folder, error)
  }
}

/**
 * Every file below a folder, by its path with `/`. Throws PLUGIN_LINK (65) on a link or anything else that is no file: npm packs
 * none, and one could lead anywhere.
 */
export async function filesOf(folder: string): Promise<string[]> {
  const entries = await readdir(folder, {recursive: true, withFileTypes: true})
  return entries.flatMap((entry) => {
    if (entry.isDirectory()) return []
    const path = pathIn(folder, entry)
    if (!entry.isFile()) throw errors.data(`${sanitizeLine(path, 200)} is not a plain file`, {code: 'PLUGIN_LINK', category: 'plugin', fix: 'use another version, and tell its publisher'})
    return [path]
  }).sort()
}

/** The same of a folder that somebody may be at work in: links, and what npm has put there, are not the plugin's own. */
export async function ownFilesOf(folder: string): Promise<string[]> {
  const own = (await readdir(folder, {withFileTypes: true})).filter(({name}) => name !== 'node_modules')
  const entries = await Promise.all(own.map((entry) => (entry.isDirectory() ? readdir(join(folder, entry.name), {recursive: true, withFileTypes: true}) : Promise.resolve([entry]))))
  return entries.flat().filter((entry) => entry.isFile()).map((entry) => pathIn(folder, entry)).sort()
}

const pathIn = (folder: string, {parentPath, name}: Dirent): string => relative(folder, join(parentPath, name)).split(sep).join('/')

/** One digest over all names and contents below a folder: what is installed is what was installed. */
export async function treeDigest(folder: string): Promise<string> {
  const hash = createHash('sha512')
  for (const path of await filesOf(folder)) {
    const content = createHash('sha512').update(await readFile(join(folder, path))).digest()
    hash.update(`${path.length}:${path}:`).update(content)
  }
  return `sha512-${hash.digest('base64')}`
}

export async function exists(path: string): Promise<boolean> {
  try {
    await lstat(path)
    return true
  } catch (error) {
    if (errnoOf(error) === 'ENOENT' || errnoOf(error) === 'ENOTDIR') return false
    throw error
  }
}

/** For folders that were made read-only by whoever packed them. */
export const makeRemovable = (folder: string): Promise<void> => chmod(folder, 0o700).catch(() => undefined)
