import {errors} from '@cgpu/core/errors'

/** A local path, or a path on a runtime. */
export interface Place {
  runtime?: string
  path: string
}

/**
 * Reads `NAME:PATH` (on a runtime) or a local path; `./a:b` and `C:\a` are local, and on Windows, where it is a drive, `c:/a` too.
 * Throws INVALID_PATH (64).
 */
export function parsePlace(text: string, platform: NodeJS.Platform = process.platform): Place {
  if (text === '' || text.includes('\0')) throw errors.usage('a path cannot be empty or hold NUL', {code: 'INVALID_PATH', category: 'file', fix: 'give a path'})
  if (text.length > 4096) throw errors.usage(`${JSON.stringify(text.slice(0, 60))}… cannot be a path`, {code: 'INVALID_PATH', category: 'file', fix: 'give a path of at most 4096 characters'})
  const match = platform === 'win32' && isDrive(text) ? null : /^([a-z0-9][a-z0-9-]{0,127}):(.*)$/s.exec(text)
  return match ? {runtime: match[1] ?? '', path: match[2] ?? ''} : {path: text}
}

/** Whoever meant a runtime with a name of one letter, on Windows, is told what to do; else what `otherwise` says. */
export function fixOfLocal(paths: readonly string[], otherwise: string, platform: NodeJS.Platform = process.platform): string {
  const drive = platform === 'win32' ? paths.find((path) => /^[a-z]:/.test(path))?.charAt(0) : undefined
  return drive === undefined ? otherwise : `${drive}: is a drive here; a runtime of that name needs a longer one: cgpu runtime rename ${drive} NAME`
}

const isDrive = (text: string): boolean => /^[a-z]:/i.test(text)
