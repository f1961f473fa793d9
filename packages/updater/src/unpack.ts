import {createReadStream, mkdirSync, writeFileSync} from 'node:fs'
import {dirname, join} from 'node:path'
import {createGunzip} from 'node:zlib'
import {CgpuError} from '@cgpu/core/errors'
import {cannotWrite} from '@cgpu/core/state/write-error'
import {refused} from './problems.ts'

const block = 512

interface Entry {
  path: string
  mode: number
  size: number
}

/**
 * Unpacks what stands below `prefix` in a .tar.gz of scripts/pack into `target`: plain files and folders, as that writes them, and
 * nothing else, so that no link can lead out. Throws UPDATE_ARCHIVE_INVALID (65) or CANNOT_WRITE (73).
 */
export async function unpack(archive: string, prefix: string, target: string): Promise<number> {
  let files = 0
  const made = new Set<string>()
  for await (const [entry, body] of entriesOf(archive)) {
    if (!entry.path.startsWith(prefix)) continue
    const path = join(target, entry.path.slice(prefix.length))
    try {
      const folder = dirname(path)
      // by threads each of the thousands of small files would take three times as long
      if (!made.has(folder)) mkdirSync(folder, {recursive: true})
      made.add(folder)
      writeFileSync(path, body, {flag: 'wx', mode: entry.mode & 0o111 ? 0o755 : 0o644})
    } catch (error) {
      throw cannotWrite(path, error)
    }
    files++
  }
  if (files === 0) throw refused.archive(`it holds no ${prefix}`)
  return files
}

/** The text of one file of the archive. */
export async function textIn(archive: string, path: string): Promise<string | undefined> {
  for await (const [entry, body] of entriesOf(archive)) if (entry.path === path) return body.toString('utf8')
  return undefined
}

async function* entriesOf(archive: string): AsyncGenerator<[Entry, Buffer]> {
  const file = createReadStream(archive)
  const unzipped = createGunzip()
  file.on('error', error => unzipped.destroy(error))
  const reader = new Blocks(file.pipe(unzipped))
  try {
    for (;;) {
      const header = await reader.take(block)
      if (header.every(byte => byte === 0)) return
      const entry = parseHeader(header)
      const body = await reader.take(Math.ceil(entry.size / block) * block)
      yield [entry, body.subarray(0, entry.size)]
    }
  } finally {
    file.destroy()
    unzipped.destroy()
  }
}

function parseHeader(header: Buffer): Entry {
  const text = (start: number, length: number): string => {
    const end = header.indexOf(0, start)
    return header.toString('utf8', start, end === -1 || end > start + length ? start + length : end)
  }
  const octal = (start: number, length: number): number => {
    const digits = text(start, length).trim()
    if (!/^[0-7]{1,11}$/.test(digits)) throw refused.archive('a number in it is none')
    return Number.parseInt(digits, 8)
  }
  const sum = header.reduce((all, byte, i) => all + (i >= 148 && i < 156 ? 32 : byte), 0)
  if (sum !== octal(148, 8)) throw refused.archive('a checksum in it is wrong')
  if (text(257, 5) !== 'ustar' || text(156, 1) !== '0') throw refused.archive('it holds something else than files')
  const folder = text(345, 155)
  const path = `${folder === '' ? '' : `${folder}/`}${text(0, 100)}`
  if (/^\/|\\|:|(^|\/)\.{1,2}(\/|$)|\/\//.test(path)) throw refused.archive(`it holds ${path}`)
  return {path, mode: octal(100, 8), size: octal(124, 12)}
}

/** Bytes of a stream in the sizes that are asked for. */
class Blocks {
  readonly #source: AsyncIterator<Buffer>
  #rest: Buffer[] = []
  #length = 0

  constructor(source: NodeJS.ReadableStream) {
    this.#source = source[Symbol.asyncIterator]() as AsyncIterator<Buffer> // of a stream without an encoding
  }

  async take(count: number): Promise<Buffer> {
    while (this.#length < count) {
      const {value, done} = await this.#source.next().catch((error: unknown) => {
        throw error instanceof CgpuError ? error : refused.archive(error instanceof Error ? error.message : 'it cannot be read')
      })
      if (done === true) throw refused.archive('it ends too early')
      this.#rest.push(value)
      this.#length += value.length
    }
    const all = this.#rest.length === 1 ? this.#rest[0]! : Buffer.concat(this.#rest)
    this.#rest = count < all.length ? [all.subarray(count)] : []
    this.#length = all.length - count
    return all.subarray(0, count)
  }
}
