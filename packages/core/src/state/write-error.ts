import {CgpuError, errors} from '../errors.ts'
import {sanitizeLine} from '../text/line.ts'

const causes: Record<string, {why: string; fix: string}> = {
  ENOSPC: {why: 'the disk is full', fix: 'free some space on this disk, then try again'},
  EDQUOT: {why: 'your disk quota is used up', fix: 'free some space, then try again'},
  EFBIG: {why: 'the file would be bigger than is allowed here', fix: 'raise the limit (ulimit -f), then try again'},
  EROFS: {why: 'the disk is read-only', fix: 'choose another folder; CGPU_CONFIG_DIR, CGPU_DATA_DIR and CGPU_CACHE_DIR move those of cgpu'},
  EACCES: {why: 'permission denied', fix: 'make the folder writable for you, or choose another one'},
  EPERM: {why: 'not permitted', fix: 'make the file and its folder writable for you, or choose another one'},
  EISDIR: {why: 'a folder is in its place', fix: 'move that folder away, or choose another path'},
  ENOTDIR: {why: 'part of the path is a file, not a folder', fix: 'choose another path'},
  EEXIST: {why: 'a file is in its place', fix: 'move that file away, or choose another path'},
  ENOENT: {why: 'the folder does not exist', fix: 'make the folder, then try again'},
  ENAMETOOLONG: {why: 'the name is too long', fix: 'choose a shorter path'},
  ELOOP: {why: 'its links lead in a circle', fix: 'correct the links, or choose another path'},
  EMFILE: {why: 'too many files are open', fix: 'raise the limit (ulimit -n), then try again'},
  ENFILE: {why: 'the system has too many files open', fix: 'end some programs, then try again'},
  EIO: {why: 'the disk reports an error', fix: 'check the disk'},
}

/** The errno name of a Node error, or undefined when it has none. */
export function errnoOf(error: unknown): string | undefined {
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  return typeof code === 'string' ? code : undefined
}

/** What an errno means and what to do about it; undefined where Node's own words have to do. */
export function causeOf(errno: string | undefined): {why: string; fix: string} | undefined {
  return errno === undefined ? undefined : causes[errno]
}

/** Whether a file or a socket could not be opened because too many are: it says nothing about that one. */
export function isShortOfFiles(error: unknown): boolean {
  const errno = errnoOf(error)
  return errno === 'EMFILE' || errno === 'ENFILE'
}

/** CANNOT_WRITE (exit 73) with the path, the cause in plain words and what to do. Passes CgpuErrors through. */
export function cannotWrite(path: string, error: unknown): CgpuError {
  if (error instanceof CgpuError) return error
  const errno = errnoOf(error)
  const known = causeOf(errno)
  const why = known?.why ?? sanitizeLine(error instanceof Error ? error.message : String(error))
  return errors.cannotWrite(`cannot write ${sanitizeLine(path)}: ${why}`, {
    code: 'CANNOT_WRITE', fix: known?.fix ?? 'check the path and the disk', details: {path, errno: errno ?? null}, cause: error,
  })
}
