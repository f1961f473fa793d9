import {createHash} from 'node:crypto'
import {watch as watchFolder} from 'node:fs'
import {readFile, realpath} from 'node:fs/promises'
import {basename, dirname} from 'node:path'

/** Editors write in several steps: a text that stays the same for so long is saved. */
const settleMs = 100
/** Where the system tells of no changes, as on some network drives. */
const pollMs = 2_000

/** Of the file's text; undefined while it is not there, as in the middle of an atomic save. */
export async function textHash(path: string): Promise<string | undefined> {
  try {
    return createHash('sha256').update(await readFile(path)).digest('hex')
  } catch {
    return undefined
  }
}

/** Waits until the file has another text than `seen`, and gives its hash; undefined: `signal` aborted. The folder is watched: editors put a new file in the place of the old one. */
export async function nextSave(path: string, seen: string | undefined, signal: AbortSignal): Promise<string | undefined> {
  const file = await realpath(path).catch(() => path)
  const {promise, resolve} = Promise.withResolvers<string | undefined>()
  let timer: NodeJS.Timeout | undefined
  let last: string | undefined
  const look = async (): Promise<void> => {
    const hash = await textHash(file)
    if (signal.aborted || hash === undefined || hash === seen) last = undefined
    else if (hash === last) return resolve(hash)
    else {
      last = hash
      soon()
    }
  }
  const soon = (): void => {
    clearTimeout(timer)
    timer = setTimeout(() => void look(), settleMs)
  }
  const stop = (): void => resolve(undefined)
  signal.addEventListener('abort', stop, {once: true})
  if (signal.aborted) stop()
  const poll = setInterval(soon, pollMs)
  let watcher: ReturnType<typeof watchFolder> | undefined
  try {
    watcher = watchFolder(dirname(file), (_, name) => {
      if (name === null || name === basename(file)) soon()
    })
    watcher.on('error', () => undefined) // the poll goes on
  } catch {
    // no watches left, or none on this file system
  }
  soon()
  try {
    return await promise
  } finally {
    signal.removeEventListener('abort', stop)
    clearTimeout(timer)
    clearInterval(poll)
    watcher?.close()
  }
}
