import {remoteCode} from '../agent/problem.ts'
import {CgpuError, errors} from '../errors.ts'
import {cannotWrite, causeOf, errnoOf} from '../state/write-error.ts'
import {sanitizeLine} from '../text/line.ts'

const ofOneFile = new Set(['NOT_FOUND', 'DENIED', 'EXISTS', 'IS_DIRECTORY', 'NOT_DIRECTORY', 'NOT_REGULAR', 'NOT_EMPTY', 'CHANGED', 'HASH_MISMATCH', 'IO', 'BAD_REQUEST'])
const ofTheDisk = new Set(['ENOSPC', 'EDQUOT', 'EFBIG', 'EROFS', 'EIO', 'EMFILE', 'ENFILE'])

/** Whether only this file is concerned: the others can still be copied. */
export function isOfOneFile(error: unknown): error is CgpuError {
  if (!(error instanceof CgpuError)) return false
  const remote = remoteCode(error)
  if (remote !== undefined) return ofOneFile.has(remote)
  if (error.code === 'CANNOT_WRITE') return !ofTheDisk.has(String(error.details?.['errno']))
  return error.category === 'file'
}

export function isChanged(error: unknown): boolean {
  return error instanceof CgpuError && error.code === 'FILE_CHANGED'
}

export function changed(name: string): CgpuError {
  return errors.conflict(`${sanitizeLine(name)} changed while it was copied`, {code: 'FILE_CHANGED', category: 'file', fix: 'try again when nothing writes to it', retryable: true})
}

export function cannotRead(name: string, error: unknown): CgpuError {
  if (error instanceof CgpuError) return error
  const errno = errnoOf(error)
  const why = errno === 'ENOENT' ? 'it is not there' : (causeOf(errno)?.why ?? String(errno ?? error))
  return errors.notFound(`cannot read ${sanitizeLine(name)}: ${why}`, {code: 'FILE_NOT_FOUND', category: 'file', fix: 'check the path', cause: error})
}

export function inTheWay(name: string, why: string): CgpuError {
  return cannotWrite(name, new Error(why))
}

/** A machine named a file as none of ours would. */
export function hostile(name: string, path: string): CgpuError {
  return errors.data(`${name} tells of a file that would lie outside of its folder: ${sanitizeLine(path, 120)}`, {
    code: 'UNSAFE_NAME', category: 'file', fix: 'nothing was written; do not trust this machine',
  })
}
