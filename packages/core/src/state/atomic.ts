import {open, readdir, realpath, rename, stat, unlink} from 'node:fs/promises'
import {basename, dirname, join} from 'node:path'
import {setTimeout as delay} from 'node:timers/promises'
import {makeFolder} from './make-folder.ts'
import {uniqueTag} from './token.ts'
import {cannotWrite, errnoOf} from './write-error.ts'

export interface WriteAtomicOptions {
  /** permissions of the new file; default 0600 */
  mode?: number
  /** write through a symbolic link (a config kept in a dotfiles folder) instead of replacing the link */
  followLink?: boolean
}

/** Ends the name of every temp file of cgpu, which also starts with a dot. */
export const tempSuffix = '.cgpu-tmp'
const staleMs = 3_600_000
const swept = new Set<string>()

/**
 * Replaces a file so that a reader, a crash or a full disk meets either the old or the new content, never half
 * of one. What comes in pieces is written piece by piece. Missing parent folders are made 0700. Throws CANNOT_WRITE (exit 73); the old file is then untouched.
 */
export async function writeAtomic(path: string, data: string | Uint8Array | Iterable<string> | AsyncIterable<Uint8Array>, options: WriteAtomicOptions = {}): Promise<void> {
  const target = options.followLink ? await realpath(path).catch(() => path) : path
  const folder = dirname(target)
  const temp = join(folder, `.${basename(target).slice(0, 100)}.${process.pid}-${uniqueTag()}${tempSuffix}`)
  try {
    await writeTemp(temp, data, options.mode ?? 0o600)
    await renameOver(temp, target)
    await syncFolder(folder)
  } catch (error) {
    await unlink(temp).catch(() => undefined)
    throw cannotWrite(path, error)
  }
  if (!swept.has(folder)) {
    swept.add(folder)
    await sweepTemps(folder)
  }
}

/** Removes temp files that a killed cgpu left in `folder` over an hour ago. Never throws. Returns how many. */
export async function sweepTemps(folder: string, now = Date.now()): Promise<number> {
  let removed = 0
  const names = await readdir(folder).catch(() => [])
  for (const name of names) {
    if (!name.endsWith(tempSuffix) || !name.startsWith('.')) continue
    try {
      const path = join(folder, name)
      if (now - (await stat(path)).mtimeMs < staleMs) continue
      await unlink(path)
      removed++
    } catch {
      // someone else collected it, or it is not ours to remove
    }
  }
  return removed
}

async function writeTemp(temp: string, data: string | Uint8Array | Iterable<string> | AsyncIterable<Uint8Array>, mode: number): Promise<void> {
  const file = await open(temp, 'wx', mode).catch(async (error: unknown) => {
    if (errnoOf(error) !== 'ENOENT') throw error
    await makeFolder(dirname(temp))
    return open(temp, 'wx', mode)
  })
  try {
    await file.writeFile(data)
    await file.sync()
  } finally {
    await file.close()
  }
}

/** Windows refuses to replace a file that a virus scanner or a reader has open for a moment. */
async function renameOver(from: string, to: string): Promise<void> {
  for (let attempt = 0; ; attempt++) {
    try {
      return await rename(from, to)
    } catch (error) {
      const busy = process.platform === 'win32' && ['EPERM', 'EACCES', 'EBUSY'].includes(errnoOf(error) ?? '')
      if (!busy || attempt >= 8) throw error
      await delay(5 * 2 ** attempt)
    }
  }
}

/** Makes the rename itself last through a power cut. Some file systems (and Windows) cannot: then it is not asked for. */
async function syncFolder(folder: string): Promise<void> {
  if (process.platform === 'win32') return
  try {
    const handle = await open(folder, 'r')
    try {
      await handle.sync()
    } finally {
      await handle.close()
    }
  } catch {
    // the new content is in place; only its durability through a power cut is less certain
  }
}
