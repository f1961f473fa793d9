import {randomBytes, randomUUID} from 'node:crypto'

/** How cgpu names what it makes by the public API, so that it is known on every machine. */
export const publicIdPrefix = 'cgpu-'

/** A notebook hash: the text of a UUID, padded to what Colab takes (protocol notes, 3.1). */
export function notebookHash(): string {
  return randomUUID().replaceAll('-', '_').padEnd(44, '.')
}

/** P's runtime id: an RFC 1034 label. No UUID: those mean the private dialect to other clients (3.11). */
export function publicId(): string {
  return `${publicIdPrefix}${randomBytes(8).toString('hex')}`
}

/** The `requestId` of a key is always the same UUID, of version 4 by its form, so that a repeated POST is known as one. */
export function requestIdOf(key: string): string {
  const hex = key.slice(publicIdPrefix.length).padEnd(32, '0')
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${hex.slice(20, 32)}`
}

export function isPublicId(key: string): boolean {
  return key.startsWith(publicIdPrefix)
}
