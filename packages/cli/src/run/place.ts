import {errors} from '@cgpu/core/errors'

/** A local path, or a path on a runtime. */
export interface Place {
  runtime?: string
  path: string
}

/** Reads `NAME:PATH` (on a runtime) or a local path; `./a:b` and `C:\a` are local. Throws INVALID_PATH (64). */
export function parsePlace(text: string): Place {
  if (text === '' || text.includes('\0')) throw errors.usage('a path cannot be empty or hold NUL', {code: 'INVALID_PATH', category: 'file', fix: 'give a path'})
  if (text.length > 4096 || /[\x01-\x1f\x7f]/.test(text)) {
    throw errors.usage(`${JSON.stringify(text).slice(0, 80)} cannot be a path`, {code: 'INVALID_PATH', category: 'file', fix: 'give a path without control characters, of at most 4096 characters'})
  }
  const match = /^([a-z0-9][a-z0-9-]{1,127}):(.*)$/s.exec(text)
  return match ? {runtime: match[1] ?? '', path: match[2] ?? ''} : {path: text}
}
