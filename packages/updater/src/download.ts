import {createHash} from 'node:crypto'
import {createReadStream} from 'node:fs'
import {mkdir, open, stat, unlink} from 'node:fs/promises'
import {dirname} from 'node:path'
import {CgpuError} from '@cgpu/core/errors'
import {cannotWrite, errnoOf} from '@cgpu/core/state/write-error'
import type {Build} from './documents.ts'
import {explain, get, type GetOptions} from './http.ts'
import {refused, unavailable} from './problems.ts'

export interface DownloadOptions extends GetOptions {
  /** bytes that are there, of all */
  onProgress?: ((done: number, total: number) => void) | undefined
}

/**
 * Fetches a build into `part`, from where an earlier attempt stopped, and checks size and sha256 of all of it. The file stays when
 * the server breaks off; what turns out to be something else is removed. Throws UPDATE_TAMPERED (65), UPDATE_NOT_FOUND (66),
 * UPDATE_TRUNCATED and the other faults of a server (69), CANNOT_WRITE (73).
 */
export async function download(url: URL, build: Build, part: string, options: DownloadOptions): Promise<{resumed: number}> {
  await mkdir(dirname(part), {recursive: true}).catch((error: unknown) => {
    throw cannotWrite(part, error)
  })
  let have = await sizeOf(part)
  if (have > build.size) {
    await unlink(part)
    have = 0
  }
  const resumed = have
  if (have < build.size) await fetchFrom(have, url, build, part, options)
  const actual = await sha256Of(part)
  if (actual === build.sha256) return {resumed}
  await unlink(part)
  // what an earlier attempt left may have been of another file: one whole attempt decides
  if (resumed > 0) return download(url, build, part, options)
  throw refused.tampered(build.file, build.sha256, actual)
}

async function fetchFrom(start: number, url: URL, build: Build, part: string, options: DownloadOptions): Promise<void> {
  const {status, response} = await get(url, {...options, headers: start > 0 ? {range: `bytes=${start}-`} : {}})
  if (status === 404) {
    response.destroy()
    throw refused.noFile(build.file)
  }
  const continues = status === 206 && response.headers['content-range']?.startsWith(`bytes ${start}-`) === true
  if (status === 416 || (status === 206 && !continues)) {
    response.destroy()
    return fetchFrom(0, url, build, part, options)
  }
  let at = continues ? start : 0
  const file = await open(part, continues ? 'a' : 'w', 0o600).catch((error: unknown) => {
    response.destroy()
    throw cannotWrite(part, error)
  })
  try {
    for await (const chunk of response as AsyncIterable<Buffer>) {
      // a server that sends more than was signed is not read to its end
      const wanted = chunk.subarray(0, build.size - at)
      await file.appendFile(wanted).catch((error: unknown) => {
        throw cannotWrite(part, error)
      })
      at += wanted.length
      options.onProgress?.(at, build.size)
      if (at >= build.size) break
    }
  } catch (error) {
    throw error instanceof CgpuError || errnoOf(error) !== 'ECONNRESET' || options.signal?.aborted ? explain(url, error, options.signal) : unavailable.truncated(build.file, at, build.size)
  } finally {
    await file.close()
  }
  if (at < build.size) throw unavailable.truncated(build.file, at, build.size)
}

const sizeOf = (path: string): Promise<number> => stat(path).then(({size}) => size, () => 0)

/** Read back from the disk: what is unpacked is what was checked. */
async function sha256Of(path: string): Promise<string> {
  const hash = createHash('sha256')
  for await (const chunk of createReadStream(path) as AsyncIterable<Buffer>) hash.update(chunk)
  return hash.digest('hex')
}
