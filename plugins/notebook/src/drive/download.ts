import {createHash} from 'node:crypto'
import {errors, sanitizeLine} from '@cgpu/plugin-sdk'
import type {Drive} from './drive.ts'
import type {DriveFile} from './files.ts'

export interface DownloadOptions {
  /** bytes that are asked for at once; default: 8 MiB */
  pieceLength?: number | undefined
  onProgress?: ((done: number, total: number) => void) | undefined
  signal?: AbortSignal | undefined
}

/** Somebody who saves while it is read makes it be read again. */
const readings = 3

/**
 * A file's content, whole and of one revision, with the facts about that revision. Piece by piece, so that what a cut left is not asked for
 * again. Throws the refusals of `refusals.ts`, NOT_A_NOTEBOOK (65) for what has no bytes, DRIVE_CHANGING (72).
 */
export async function download(drive: Drive, file: DriveFile, options: DownloadOptions = {}): Promise<{file: DriveFile; bytes: Buffer}> {
  let now = file
  for (let reading = 0; reading < readings; reading++) {
    if (now.size === null) throw errors.data(`${sanitizeLine(now.name, 200)} has no content`, {code: 'NOT_A_NOTEBOOK', category: 'file', fix: 'cgpu notebook list shows what can be read'})
    const bytes = await readOnce(drive, now.id, now.size, options)
    if (now.md5 === null || createHash('md5').update(bytes).digest('hex') === now.md5) return {file: now, bytes}
    now = await drive.get(file.id)
  }
  throw errors.conflict(`${sanitizeLine(file.name, 200)} changes again and again while it is read`, {code: 'DRIVE_CHANGING', category: 'file', retryable: true, fix: 'try again when nobody saves it'})
}

async function readOnce(drive: Drive, id: string, size: number, {pieceLength = 8 * 1024 * 1024, onProgress, signal}: DownloadOptions): Promise<Buffer> {
  const pieces: Uint8Array[] = []
  let done = 0
  onProgress?.(0, size)
  while (done < size) {
    const end = Math.min(size, done + pieceLength) - 1
    const answer = await drive.transport.send(`/drive/v3/files/${encodeURIComponent(id)}?alt=media&supportsAllDrives=true`, {headers: {range: `bytes=${done}-${end}`}, signal, expect: [416]})
    // shorter than it was: the caller sees by its hash that it changed
    if (answer.status === 416 || answer.body.length === 0) break
    pieces.push(answer.body)
    done += answer.body.length
    onProgress?.(Math.min(done, size), size)
    if (answer.status !== 206) break
  }
  return Buffer.concat(pieces)
}
