import {lstat, realpath} from 'node:fs/promises'
import {join, sep} from 'node:path'
import {type CgpuError, errors} from '../errors.ts'
import {cannotWrite, errnoOf} from '../state/write-error.ts'
import {sanitizeLine} from '../text/line.ts'

const reserved = /^(?:con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³]|conin\$|conout\$|clock\$)(?:\..*)?$/i

/**
 * A relative path from elsewhere (a runtime's file list, a pattern) in plain form: `/` between its parts, no `.`
 * and no empty ones. Throws UNSAFE_PATH (exit 65) for what could name a file outside of the folder it will be
 * joined to: absolute paths, drives, UNC, `..` between either kind of slash, control characters; and on Windows
 * also for names that Windows would not keep as they are.
 */
export function safeRelative(path: string, platform: NodeJS.Platform = process.platform): string {
  if (path === '') throw unsafe(path, 'it is empty')
  if (path.length > 4096) throw unsafe(path, 'it is too long')
  refuseAbsolute(path, path)
  // eslint-disable-next-line no-control-regex -- control characters are what is looked for
  if (/[\x00-\x1f\x7f-\x9f]/.test(path)) throw unsafe(path, 'it holds control characters')
  if (path.split(/[/\\]/).includes('..')) throw unsafe(path, 'it leads upwards')
  const windows = platform === 'win32'
  const parts = path.split(windows ? /[/\\]/ : '/').filter(part => part !== '' && part !== '.')
  if (parts.length === 0) throw unsafe(path, 'it names no file')
  if (parts.some(part => part.trim() === '')) throw unsafe(path, 'a name in it is blank')
  if (windows) for (const part of parts) refuseOnWindows(path, part)
  const plain = parts.join('/')
  // `./C:x` becomes absolute only now
  refuseAbsolute(path, plain)
  return plain
}

/** Also what is absolute only on another system: the path may be passed on. */
function refuseAbsolute(path: string, form: string): void {
  if (/^[/\\]/.test(form)) throw unsafe(path, 'it is absolute')
  if (/^[a-z]:/i.test(form)) throw unsafe(path, 'it names a drive')
}

function refuseOnWindows(path: string, part: string): void {
  if (/[<>:"|?*]/.test(part)) throw unsafe(path, `Windows does not allow "${part.match(/[<>:"|?*]/)?.[0] ?? ''}" in names`)
  if (/[. ]$/.test(part)) throw unsafe(path, 'Windows drops dots and spaces at the end of a name')
  // `NUL .txt` is the device as well
  if (reserved.test(part.replace(/ +(?=\.|$)/, ''))) throw unsafe(path, `"${part}" is a device on Windows`)
}

/**
 * The absolute path of `relative` below `root` (an existing folder), which no link on the way leads out of.
 * A link in the place of the file itself is refused when it leads outside or nowhere. Throws UNSAFE_PATH (65).
 * The check holds as long as no one else changes the folder meanwhile; write with `writeAtomic`, which replaces
 * a link instead of following it.
 */
export async function resolveInside(root: string, relative: string): Promise<string> {
  const parts = safeRelative(relative).split('/')
  let top: string
  try {
    top = await realpath(root)
  } catch (error) {
    throw cannotWrite(root, error)
  }
  let path = top
  for (const [index, part] of parts.entries()) {
    path = join(path, part)
    const kind = await kindOf(path, relative)
    if (kind === 'missing') return join(path, ...parts.slice(index + 1))
    if (kind === 'link') {
      const target = await realpath(path).catch(() => undefined)
      if (target === undefined || !within(top, target)) throw unsafe(relative, 'a link in it leads outside of the folder')
      path = target
    }
  }
  return path
}

async function kindOf(path: string, relative: string): Promise<'missing' | 'link' | 'other'> {
  try {
    return (await lstat(path)).isSymbolicLink() ? 'link' : 'other'
  } catch (error) {
    const errno = errnoOf(error)
    if (errno === 'ENOENT') return 'missing'
    if (errno === 'ENOTDIR') throw unsafe(relative, 'part of it is a file, not a folder')
    throw cannotWrite(path, error)
  }
}

function within(top: string, path: string): boolean {
  return path === top || path.startsWith(top.endsWith(sep) ? top : top + sep)
}

function unsafe(path: string, why: string): CgpuError {
  return errors.data(`"${sanitizeLine(path, 120)}" cannot be used as a relative path: ${why}`, {
    code: 'UNSAFE_PATH', category: 'file', fix: 'use a path inside of the folder, without ".."', details: {path: sanitizeLine(path, 500)},
  })
}
