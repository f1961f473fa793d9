import {Readable, Transform} from 'node:stream'
import type {Blobs} from '../blobs.ts'
import {parseJsonBody} from '../body.ts'
import {refuse} from '../errors.ts'
import type {Media} from '../contents.ts'
import {parts} from './multipart.ts'

/** A request to `files.create` or `files.update` as it came: metadata not yet checked, bytes on disk. */
export interface Upload {
  metadata: unknown
  media?: Media
}

const mostMetadata = 5 * 2 ** 20

/** Takes in a simple (`media`) or `multipart` upload. Throws 400 on a malformed one. */
export async function receiveUpload(request: Request, kind: 'media' | 'multipart', blobs: Blobs): Promise<Upload> {
  const type = request.headers.get('content-type') ?? ''
  const body = bodyOf(request)
  if (kind === 'media') return {metadata: {}, media: {received: await blobs.receive(Readable.from(body)), type}}
  const boundary = /^multipart\/related\b.*;\s*boundary=(?:"([^"]+)"|([^;\s]+))/i.exec(type)
  const fence = boundary?.[1] ?? boundary?.[2]
  if (fence === undefined) throw refuse.body('Malformed multipart body.')
  let metadata: unknown
  let media: Media | undefined
  let count = 0
  try {
    for await (const part of parts(body, fence)) {
      count++
      if (count === 1) metadata = parseJsonBody(await text(part.body, mostMetadata))
      else if (count === 2) {
        const plain = Readable.from(part.body)
        const source = part.headers.get('content-transfer-encoding')?.toLowerCase() === 'base64' ? plain.pipe(fromBase64()) : plain
        media = {received: await blobs.receive(source), type: part.headers.get('content-type') ?? ''}
      } else throw refuse.body('Malformed multipart body.')
    }
    if (!media) throw refuse.body('Malformed multipart body.')
  } catch (error) {
    if (media) await blobs.discard(media.received)
    throw error
  }
  return {metadata, media}
}

export async function readJson(request: Request): Promise<unknown> {
  return parseJsonBody(await text(bodyOf(request), mostMetadata))
}

export async function* bodyOf(request: Request): AsyncGenerator<Buffer> {
  if (request.body) for await (const chunk of request.body) yield Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength)
}

async function text(source: AsyncIterable<Buffer>, most: number): Promise<string> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of source) {
    size += chunk.length
    if (size > most) throw refuse.other(413, 'uploadTooLarge', 'Request is too large.')
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString()
}

/** Four signs are three bytes; what is left of a chunk waits for the next. */
function fromBase64(): Transform {
  let left = ''
  return new Transform({
    transform(chunk: Buffer, _, done) {
      const signs = left + chunk.toString('latin1').replaceAll(/\s+/g, '')
      const whole = signs.length - signs.length % 4
      left = signs.slice(whole)
      done(null, Buffer.from(signs.slice(0, whole), 'base64'))
    },
    flush(done) {
      done(null, Buffer.from(left, 'base64'))
    },
  })
}
