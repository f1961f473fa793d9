import {createHash, randomBytes} from 'node:crypto'
import type {FileHandle} from 'node:fs/promises'
import {open, rename, unlink} from 'node:fs/promises'
import {errors} from '../errors.ts'
import {cannotWrite} from '../state/write-error.ts'
import type {AgentChannel, Answer} from './channel.ts'
import {numberOf, StreamLost, textOf} from './channel.ts'
import {inLine} from './follow.ts'
import {remoteCode} from './problem.ts'

export interface TransferOptions {
  signal?: AbortSignal | undefined
  onProgress?: ((done: number, total: number) => void) | undefined
}

export interface UploadOptions extends TransferOptions {
  /** permission bits; default: those of the local file; of bytes: those of the file that is replaced, or 0666 less umask */
  mode?: number | undefined
  /** unix seconds */
  mtime?: number | undefined
}

export interface Transferred {
  size: number
  /** hex, checked at both ends */
  sha256: string
}

/** A frame over 10 MiB closes the socket; 4 MiB with a small window is where the speed is. */
const chunkBytes = 4 << 20
const attempts = 3

/** Lets so many pass at once. */
export class Slots {
  #free: number
  readonly #queue: (() => void)[] = []

  constructor(count: number) {
    this.#free = count
  }

  async take(): Promise<() => void> {
    if (this.#free > 0) this.#free--
    else await new Promise<void>(resolve => this.#queue.push(resolve))
    return () => {
      const next = this.#queue.shift()
      if (next) next()
      else this.#free++
    }
  }
}

/** Sends a file or bytes to a path on the machine, whole or not at all. `slots` bounds the chunks under way. */
export async function upload(
  channel: AgentChannel, slots: Slots, source: string | Uint8Array, path: string, options: UploadOptions,
): Promise<Transferred> {
  const file = typeof source === 'string' ? await open(source, 'r').catch(unreadable(source)) : undefined
  try {
    const stat = await file?.stat()
    if (stat && !stat.isFile()) {
      throw errors.usage(`not a regular file: ${String(source)}`, {code: 'NOT_A_FILE', category: 'file', fix: 'give the path of a file'})
    }
    const size = stat?.size ?? source.length
    const fields = {
      path, size,
      ...given('mode', options.mode ?? (stat && stat.mode & 0o7777)),
      ...given('mtime', options.mtime),
    }
    const read = async (offset: number): Promise<Uint8Array> => {
      const want = Math.min(chunkBytes, size - offset)
      if (typeof source !== 'string') return source.subarray(offset, offset + want)
      return readExactly(file, offset, want, source)
    }
    for (let attempt = 1; ; attempt++) {
      try {
        return await (size <= chunkBytes ? put : sendChunks)(channel, slots, fields, read, options)
      } catch (error) {
        // the kernel that held the upload was restarted
        if (attempt === attempts || remoteCode(error) !== 'NOT_FOUND' || size <= chunkBytes) throw error
      }
    }
  } finally {
    await file?.close()
  }
}

interface Fields extends Record<string, unknown> {
  size: number
}
type Read = (offset: number) => Promise<Uint8Array>

async function put(channel: AgentChannel, slots: Slots, fields: Fields, read: Read, options: UploadOptions): Promise<Transferred> {
  const release = await slots.take()
  try {
    const bytes = await read(0)
    const sha256 = createHash('sha256').update(bytes).digest('hex')
    await channel.request('put', {...fields, sha256}, {buffers: [bytes], signal: options.signal})
    options.onProgress?.(fields.size, fields.size)
    return {size: fields.size, sha256}
  } finally {
    release()
  }
}

async function sendChunks(channel: AgentChannel, slots: Slots, fields: Fields, read: Read, options: UploadOptions): Promise<Transferred> {
  const {signal, onProgress} = options
  const {size, ...rest} = fields
  const begun = await channel.request('upload', {size, ...rest}, {signal})
  const name = textOf(begun.data, 'upload')
  const hash = createHash('sha256')
  const underWay = new Set<Promise<void>>()
  let done = 0
  let failure: {error: unknown} | undefined
  try {
    for (let offset = 0; offset < size; ) {
      const release = await slots.take()
      if (failure) {
        release()
        break
      }
      const bytes = await read(offset).catch((error: unknown) => {
        release()
        throw error
      })
      hash.update(bytes)
      const send = async (at: number): Promise<void> => {
        try {
          await channel.request('chunk', {upload: name, offset: at}, {buffers: [bytes], signal})
          done += bytes.length
          onProgress?.(done, size)
        } catch (error) {
          failure ??= {error}
        } finally {
          release()
        }
      }
      const sent = send(offset).finally(() => underWay.delete(sent))
      underWay.add(sent)
      offset += bytes.length
    }
    await Promise.all(underWay)
    if (failure) throw failure.error
    const sha256 = hash.digest('hex')
    await channel.request('commit', {upload: name, sha256, ...given('mtime', options.mtime)}, {signal})
    return {size, sha256}
  } catch (error) {
    channel.request('abort', {upload: name}).catch(() => undefined) // it is removed after an hour anyway
    throw error
  }
}

export interface Downloaded extends Transferred {
  mode: number
  /** unix seconds */
  mtime: number
}

/** Fetches a file: beside its target first, checked, then renamed. Goes on after a lost link; starts anew when the file changed. */
export async function download(channel: AgentChannel, path: string, local: string, options: TransferOptions): Promise<Downloaded> {
  for (let attempt = 1; ; attempt++) {
    const part = `${local}.cgpu-${randomBytes(6).toString('hex')}.part`
    const file = await open(part, 'wx', 0o666).catch((error: unknown) => {
      throw cannotWrite(local, error)
    })
    let finished = false
    try {
      const result = await fetchInto(channel, path, file, local, options)
      await file.sync().catch(writing(local))
      if (result.mode & 0o111 && process.platform !== 'win32') await file.chmod(result.mode & 0o777 & ~process.umask()).catch(writing(local))
      await file.close()
      await rename(part, local).catch(writing(local))
      finished = true
      return result
    } catch (error) {
      if (attempt === attempts || remoteCode(error) !== 'CHANGED') throw error
    } finally {
      if (!finished) {
        await file.close().catch(() => undefined)
        await unlink(part).catch(() => undefined)
      }
    }
  }
}

async function fetchInto(channel: AgentChannel, path: string, file: FileHandle, local: string, options: TransferOptions): Promise<Downloaded> {
  const {signal, onProgress} = options
  const hash = createHash('sha256')
  const window = 4 * chunkBytes
  let position = 0
  let size = 0
  let identity = ''
  const once = async (): Promise<Downloaded> => {
    const take = async ({data, buffers}: Answer): Promise<void> => {
      if (numberOf(data, 'offset') !== position) throw new StreamLost()
      identity = textOf(data, 'identity') || identity
      size = typeof data['size'] === 'number' ? data['size'] : size
      const [bytes] = buffers
      if (bytes) {
        signal?.throwIfAborted()
        hash.update(bytes)
        await file.writeFile(bytes).catch(writing(local))
        position += bytes.length
        stream.credit(bytes.length)
      }
      onProgress?.(position, size)
    }
    const line = inLine(take)
    const stream = channel.stream('download', {path, offset: position, credit: window, ...given('expect', identity || undefined)}, line.push, signal)
    line.failed.catch(() => stream.cancel())
    const {data} = await Promise.race([stream.answer, line.failed]).catch(async (error: unknown) => {
      await line.idle()
      throw error
    })
    await line.idle()
    if (data['stopped'] === true || numberOf(data, 'offset') !== position) throw new StreamLost()
    const sha256 = hash.copy().digest('hex')
    if (sha256 !== data['sha256']) {
      throw errors.network(`${path} arrived damaged`, {code: 'FILE_DAMAGED', category: 'file', fix: 'try again', retryable: true})
    }
    return {size: position, sha256, mode: numberOf(data, 'mode'), mtime: numberOf(data, 'mtime')}
  }
  for (;;) {
    try {
      return await once()
    } catch (error) {
      if (!(error instanceof StreamLost)) throw error
    }
  }
}

async function readExactly(file: FileHandle | undefined, offset: number, size: number, name: string): Promise<Uint8Array> {
  const bytes = new Uint8Array(size)
  for (let done = 0; done < size; ) {
    const {bytesRead} = (await file?.read(bytes, done, size - done, offset + done)) ?? {bytesRead: 0}
    if (bytesRead === 0) {
      throw errors.conflict(`${name} became shorter while it was sent`, {code: 'FILE_CHANGED', category: 'file', fix: 'try again when nothing writes to it'})
    }
    done += bytesRead
  }
  return bytes
}

function unreadable(name: string): (error: unknown) => never {
  return error => {
    const code = error instanceof Error && 'code' in error ? String(error.code) : ''
    const why = code === 'ENOENT' ? 'there is no file' : code === 'EACCES' ? 'no permission to read' : `cannot read (${code})`
    throw errors.notFound(`${why}: ${name}`, {code: 'FILE_NOT_FOUND', category: 'file', fix: 'check the path', cause: error})
  }
}

function writing(local: string): (error: unknown) => never {
  return error => {
    throw cannotWrite(local, error)
  }
}

function given<T>(name: string, value: T | undefined): Record<string, T> {
  return value === undefined ? {} : {[name]: value}
}
