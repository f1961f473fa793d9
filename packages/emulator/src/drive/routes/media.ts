import {Readable} from 'node:stream'
import type {Blobs} from '../blobs.ts'
import {refuse} from '../errors.ts'
import type {Content} from '../model.ts'
import type {DriveContext} from './context.ts'

/** Answers bytes, or the part of them that `Range` asks for (206, 416). */
export function answerMedia(context: DriveContext, blobs: Blobs, content: Content): Response {
  const headers: Record<string, string> = {
    'Content-Type': content.mimeType, 'Content-Disposition': 'attachment', 'Accept-Ranges': 'bytes', 'Cache-Control': 'private, max-age=0, must-revalidate',
    'X-Goog-Hash': `md5=${Buffer.from(content.md5, 'hex').toString('base64')}`,
  }
  const asked = context.req.header('range')
  const range = asked === undefined ? 'all' : parseRange(asked, content.size)
  if (range === 'none') {
    context.header('Content-Range', `bytes */${content.size}`)
    return refuse.other(416, 'requestedRangeNotSatisfiable', 'Request range not satisfiable').answer(context)
  }
  const {start, end} = range === 'all' ? {start: 0, end: content.size - 1} : range
  if (range !== 'all') headers['Content-Range'] = `bytes ${start}-${end}/${content.size}`
  headers['Content-Length'] = String(end - start + 1)
  const status = range === 'all' ? 200 : 206
  if (content.size === 0) return context.body(null, status, headers)
  return context.body(Readable.toWeb(blobs.read(content.id, {start, end})) as ReadableStream, status, headers) // Node has two types of it
}

/** One range; several, or what is none, means all of it, as HTTP says. */
export function parseRange(text: string, size: number): {start: number; end: number} | 'all' | 'none' {
  const found = /^bytes=\s*(\d*)-(\d*)$/.exec(text.trim())
  if (!found || (found[1] === '' && found[2] === '')) return 'all'
  if (found[1] === '') {
    const last = Number(found[2])
    return last === 0 || size === 0 ? 'none' : {start: Math.max(0, size - last), end: size - 1}
  }
  const start = Number(found[1])
  const end = found[2] === '' ? size - 1 : Number(found[2])
  if (found[2] !== '' && end < start) return 'all'
  return start >= size ? 'none' : {start, end: Math.min(end, size - 1)}
}
