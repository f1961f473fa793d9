import {open} from 'node:fs/promises'
import {errors} from '@cgpu/core/errors'
import {errnoOf} from '@cgpu/core/state/write-error'
import {sanitizeLine} from '@cgpu/core/text/line'
import {ask, confirm} from '@cgpu/plugin-sdk/ask'
import {keepOutOfDebugLog} from '@cgpu/plugin-sdk/lean'

export {ask, confirm}

/** A token from stdin: its first line when piped, asked for without echo on a terminal. */
export async function readToken(): Promise<string> {
  const token = process.stdin.isTTY ? await ask('token: ', {hidden: true}) : (await readStdin(64 * 1024)).split(/\r?\n/, 1)[0]
  const trimmed = (token ?? '').trim()
  if (trimmed === '') throw errors.usage('no token on stdin', {code: 'NO_TOKEN', fix: 'cgpu runtime add URL --token-stdin < FILE'})
  keepOutOfDebugLog(trimmed)
  if (!/^[\x21-\x7e]+$/.test(trimmed)) throw errors.usage('the token holds characters that no token has', {code: 'INVALID_TOKEN', fix: 'check that the file holds the token alone'})
  return trimmed
}

/** A secret's value: all of stdin when piped, less the line end that it closes with; asked for without echo on a terminal. */
export async function readSecret(name: string): Promise<string> {
  const given = process.stdin.isTTY ? await ask(`value of ${name}: `, {hidden: true}) : (await readStdin(64 * 1024)).replace(/\r?\n$/, '')
  keepOutOfDebugLog(given)
  if (given === '') throw errors.usage('no value on stdin', {code: 'NO_VALUE', fix: `cgpu secret set ${name} < FILE, or type it when asked`})
  if (given.includes('\0')) throw errors.usage('the value holds a NUL character', {code: 'INVALID_VALUE', fix: 'leave it out'})
  return given
}

/** All of stdin as text, up to a limit. */
export async function readStdin(maxBytes: number): Promise<string> {
  const chunks: Uint8Array[] = []
  let size = 0
  for await (const chunk of process.stdin) {
    const bytes = Buffer.from(chunk) // a stream without an encoding yields buffers
    size += bytes.length
    if (size > maxBytes) throw errors.usage(`stdin holds more than ${maxBytes} bytes`, {code: 'INPUT_TOO_BIG', fix: 'give less, or a file'})
    chunks.push(bytes)
  }
  return Buffer.concat(chunks).toString('utf8')
}

/** A text file that is small by nature (a certificate, an env file, code). Throws FILE_NOT_FOUND (66), INPUT_TOO_BIG (64). */
export async function readSmallFile(path: string, what: string, maxBytes = 8 * 1024 * 1024): Promise<string> {
  const shown = sanitizeLine(path, 200)
  try {
    const file = await open(path, 'r')
    try {
      const info = await file.stat()
      if (info.isDirectory()) throw errors.usage(`${shown} is a folder`, {code: 'NOT_A_FILE', category: 'file', fix: `give the path of a ${what}`})
      if (info.size > maxBytes) throw errors.usage(`${shown} is too big for a ${what}`, {code: 'INPUT_TOO_BIG', category: 'file', fix: `keep it under ${maxBytes} bytes`})
      return await file.readFile('utf8')
    } finally {
      await file.close()
    }
  } catch (error) {
    const errno = errnoOf(error)
    if (errno === 'ENOENT' || errno === 'ENOTDIR' || errno === 'ENAMETOOLONG') {
      throw errors.notFound(`there is no ${what} ${shown === '' ? '""' : shown}`, {code: 'FILE_NOT_FOUND', category: 'file', fix: 'check the path'})
    }
    if (errno === 'EACCES' || errno === 'EPERM') {
      throw errors.notFound(`${shown} cannot be read: permission denied`, {code: 'FILE_UNREADABLE', category: 'file', fix: `chmod u+r ${shown}`})
    }
    if (error instanceof TypeError) throw errors.usage(`"${shown}" is not a path`, {code: 'INVALID_PATH', category: 'file', fix: 'give a path without NUL characters'})
    throw error
  }
}
