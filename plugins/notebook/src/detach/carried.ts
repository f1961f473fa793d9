import {readdir, readFile, stat} from 'node:fs/promises'
import {basename, join} from 'node:path'
import {errors, sanitizeLine} from '@cgpu/plugin-sdk'
import {folderOf, toSend} from '../travel/travel.ts'

/** What is packed beside the driver is in memory while that is done. */
const maxBytes = 256 * 1024 * 1024

/** A file that goes with the driver, and lies below the folder of the run when the kernel starts. */
export interface CarriedFile {
  /** `/` separated */
  path: string
  executable: boolean
  content: Buffer
}

/** What `--include` names, with all files of its folders. Throws INCLUDE_OUTSIDE, INCLUDE_TOO_LARGE (64), FILE_NOT_FOUND (66). */
export async function carriedFiles(include: readonly string[], notebook: string): Promise<CarriedFile[]> {
  const files = new Map<string, CarriedFile>()
  let bytes = 0
  const take = async (from: string, path: string): Promise<void> => {
    const about = await stat(from)
    if (about.isDirectory()) {
      // a link to a folder may lead around in a circle
      for (const entry of await readdir(from, {withFileTypes: true})) {
        if (!entry.isSymbolicLink() || (await stat(join(from, entry.name)).catch(() => undefined))?.isFile()) await take(join(from, entry.name), `${path}/${entry.name}`)
      }
      return
    }
    if (!about.isFile() || files.has(path)) return
    bytes += about.size
    if (bytes > maxBytes) {
      throw errors.usage(`--include ${sanitizeLine(path, 200)}: more than ${maxBytes / 1024 / 1024} MiB cannot go with a notebook that is left running`, {
        code: 'INCLUDE_TOO_LARGE', category: 'file', fix: 'carry it before, and leave it out: cgpu cp FILE NAME:',
      })
    }
    files.set(path, {path, executable: (about.mode & 0o111) !== 0, content: await readFile(from)})
  }
  for (const one of include) {
    const {path, folder} = await toSend(one, folderOf(notebook))
    await take(path, folder === '' ? basename(path) : `${folder}/${basename(path)}`)
  }
  return [...files.values()]
}
