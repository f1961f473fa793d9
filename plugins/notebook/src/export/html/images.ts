import {readFileSync, realpathSync} from 'node:fs'
import {isAbsolute, join, relative, sep} from 'node:path'
import type {MimeBundle} from '../../format/model.ts'
import {imageType} from '../mime.ts'

/** A larger picture is left where it is. */
const largest = 32 * 1024 * 1024

export const dataUri = (mime: string, bytes: Uint8Array): string => `data:${mime};base64,${Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64')}`

/** A picture of an output or an attachment; SVG is a picture, too: in an `<img>` nothing of it runs. Undefined: it is none. */
export function pictureUri(mime: string, data: string): string | undefined {
  if (mime === 'image/svg+xml') return dataUri(mime, Buffer.from(data, 'utf8'))
  const bytes = Buffer.from(data, 'base64')
  const type = imageType(bytes)
  return type === undefined ? undefined : dataUri(`image/${type}`, bytes)
}

/** The data URI for what Markdown of a notebook names: an attachment of its cell, a picture in the notebook's folder or below, or data. */
export function sourceUri(source: string, {attachments, folder}: {attachments: Record<string, MimeBundle> | undefined; folder: string | undefined}): string | undefined {
  if (/^data:image\/(png|jpeg|gif|webp|svg\+xml)[;,]/i.test(source)) return source
  const name = decoded(source.replace(/^attachment:/, ''))
  const attached = source.startsWith('attachment:') ? attachments?.[name] : undefined
  if (attached) {
    for (const [mime, data] of Object.entries(attached)) {
      const uri = mime.startsWith('image/') && typeof data === 'string' ? pictureUri(mime, data) : undefined
      if (uri !== undefined) return uri
    }
  }
  return folder === undefined || /^[a-z][a-z+.-]*:|^\/\//i.test(source) ? undefined : fileUri(name.replace(/[?#].*$/, ''), folder)
}

function decoded(name: string): string {
  try {
    return decodeURIComponent(name)
  } catch {
    return name
  }
}

/** Only below the folder, links followed: a notebook is not to publish files of whoever exports it. */
function fileUri(name: string, folder: string): string | undefined {
  try {
    const root = realpathSync(folder)
    const path = realpathSync(join(root, name))
    const below = relative(root, path)
    if (below === '' || below === '..' || below.startsWith(`..${sep}`) || isAbsolute(below)) return undefined
    const bytes = readFileSync(path)
    const type = bytes.length > largest ? undefined : imageType(bytes)
    if (type !== undefined) return dataUri(`image/${type}`, bytes)
    return /\.svg$/i.test(path) && bytes.length <= largest ? dataUri('image/svg+xml', bytes) : undefined
  } catch {
    return undefined // there is none
  }
}
