import {errors, type Fetched} from '@cgpu/plugin-sdk'
import {type DriveFile, fileFields, fileOf, mime} from './files.ts'
import {isCut, type Transport} from './transport.ts'

export interface UploadOptions {
  /** the file whose content is replaced, which keeps its type; or what a new one is called, and the folder it goes to */
  target: {id: string; mimeType: string} | {name: string; folder?: string | undefined}
  bytes: Uint8Array
  /** bytes that are sent at once, a multiple of 256 KiB; default: 4 MiB */
  pieceLength?: number | undefined
  /** asked before the last of several pieces, by which the upload counts: what it throws leaves the file as it is */
  mayFinish?: (() => Promise<void>) | undefined
  onProgress?: ((done: number, total: number) => void) | undefined
  signal?: AbortSignal | undefined
}

/** failures in a row */
const patience = 8
const broken = [500, 502, 503, 504]
/** the session is not known any more */
const forgotten = [404, 410]

/**
 * Writes a file's content by a resumable session: after a cut it asks how far that came and goes on from there, so that a new file is made
 * once. Throws the refusals of `refusals.ts`, and UPLOAD_FAILED (69).
 */
export async function upload(transport: Transport, options: UploadOptions): Promise<DriveFile> {
  const {bytes, pieceLength = 4 * 1024 * 1024, mayFinish, onProgress, signal} = options
  let session = await begin(transport, options)
  let sessions = 1
  let done = 0
  let asks = false
  onProgress?.(0, bytes.length)
  for (let failures = 0; failures <= patience;) {
    if (!asks && done > 0 && done + pieceLength >= bytes.length) await mayFinish?.()
    const answer = await send(transport, session, {bytes, from: asks ? undefined : done, length: pieceLength, signal})
    if (answer && answer.status < 300) {
      onProgress?.(bytes.length, bytes.length)
      return fileOf(answer.json())
    }
    if (answer?.status === 308) {
      const received = receivedOf(answer)
      if (received > done) failures = 0
      else if (!asks) failures++
      asks = false
      done = received
      onProgress?.(done, bytes.length)
    } else if (answer && forgotten.includes(answer.status)) {
      if (++sessions > 2) break
      session = await begin(transport, options)
      done = 0
      asks = false
    } else {
      await transport.pause(++failures, answer, signal)
      asks = true
    }
  }
  throw errors.network('Drive did not take the notebook, though it was tried again and again', {code: 'UPLOAD_FAILED', retryable: true, fix: 'check the connection, then try again'})
}

/** The address of a new session. */
async function begin(transport: Transport, {target, bytes, signal}: UploadOptions): Promise<string> {
  const isNew = !('id' in target)
  // Drive would make a guess at a type that is not named
  const mimeType = isNew ? mime.colab : target.mimeType
  const metadata = isNew ? {name: target.name, mimeType, ...(target.folder === undefined ? {} : {parents: [target.folder]})} : {mimeType}
  const query = `uploadType=resumable&supportsAllDrives=true&fields=${encodeURIComponent(fileFields)}`
  const answer = await transport.send(`/upload/drive/v3/files${isNew ? '' : `/${encodeURIComponent(target.id)}`}?${query}`, {
    method: isNew ? 'POST' : 'PATCH', body: JSON.stringify(metadata), signal, repeatable: true, // a session that nobody uses makes no file
    headers: {'content-type': 'application/json; charset=UTF-8', 'x-upload-content-type': mimeType, 'x-upload-content-length': String(bytes.length)},
  })
  const {location} = answer.headers
  if (location === undefined) throw errors.network('Drive began no upload', {code: 'UPLOAD_FAILED', retryable: true, fix: 'try again'})
  return location
}

/** Sends the piece that begins at `from`; without it, asks how far the session is. Undefined: the connection was cut. */
async function send(transport: Transport, session: string, {bytes, from, length, signal}: {bytes: Uint8Array; from: number | undefined; length: number; signal: AbortSignal | undefined}): Promise<Fetched | undefined> {
  const end = Math.min(bytes.length, (from ?? 0) + length)
  const range = from === undefined ? `bytes */${bytes.length}` : `bytes ${from}-${end - 1}/${bytes.length}`
  try {
    return await transport.send(session, {
      method: 'PUT', headers: {'content-range': range}, body: from === undefined ? '' : bytes.subarray(from, end), signal, repeatable: false, expect: [308, ...forgotten, ...broken],
    })
  } catch (error) {
    if (isCut(error)) return undefined
    throw error
  }
}

/** Bytes that Drive has: `Range: bytes=0-1048575`; without one none. */
function receivedOf({headers}: Fetched): number {
  const end = /^bytes=0-(\d+)$/.exec(headers['range'] ?? '')?.[1]
  return end === undefined ? 0 : Number(end) + 1
}
