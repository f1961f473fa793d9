import {isUtf8} from 'node:buffer'

/**
 * Names that are no UTF-8 are text here too: each byte that does not fit is a lone surrogate U+DC80 to U+DCFF, as in Python
 * (PEP 383), so that they survive the way through JSON and both ends.
 */
export function nameOf(bytes: Uint8Array): string {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
  if (isUtf8(buffer)) return buffer.toString('utf8')
  let name = ''
  for (let at = 0; at < buffer.length; ) {
    const size = [1, 2, 3, 4].find(size => at + size <= buffer.length && isUtf8(buffer.subarray(at, at + size)))
    name += size === undefined ? String.fromCharCode(0xdc00 + (buffer[at] ?? 0)) : buffer.toString('utf8', at, at + size)
    at += size ?? 1
  }
  return name
}

/** What Node's functions take for a path of such names. */
export function systemPath(path: string): string | Buffer {
  if (path.isWellFormed()) return path
  return Buffer.concat(Array.from(path, char => {
    const code = char.charCodeAt(0)
    return char.length === 1 && code >= 0xdc80 && code <= 0xdcff ? Buffer.of(code - 0xdc00) : Buffer.from(char)
  }))
}

/** `/`-separated, below a folder; how it is below another folder of this machine. */
export function localPath(base: string, path: string): string | Buffer {
  return systemPath(path === '' ? base : base.endsWith('/') ? base + path : `${base}/${path}`)
}

/** Whether a path that another machine named stays below the folder that it is relative to. */
export function staysBelow(path: string): boolean {
  if (path.includes('\0') || /[\ud800-\udbff](?![\udc00-\udfff])/.test(path)) return false
  // of lone surrogates only those that are bytes
  if (/(?<![\ud800-\udbff])[\udc00-\udc7f\udd00-\udfff]/.test(path)) return false
  return path.split('/').every(part => part !== '' && part !== '.' && part !== '..')
}

const reserved = /^(?:con|prn|aux|nul|conin\$|conout\$|com[0-9\u00b9\u00b2\u00b3]|lpt[0-9\u00b9\u00b2\u00b3])(?: *\..*)?$/i

/** Why a name cannot be one on this system; undefined when it can. */
export function unusable(path: string, platform: NodeJS.Platform = process.platform): string | undefined {
  if (platform !== 'win32') return undefined
  if (!path.isWellFormed()) return 'it is not Unicode'
  for (const part of path.split('/')) {
    // a backslash separates, a colon names a drive or a stream
    if (/[\x00-\x1f<>:"|?*\\]/.test(part)) return 'Windows has no such characters in names'
    if (/[. ]$/.test(part)) return 'on Windows no name ends in a dot or a space'
    if (reserved.test(part)) return 'Windows keeps this name for a device'
  }
  return undefined
}

/**
 * Whether a link stays in the copied folder, whatever other links are in it: relative, `..` only in front, and no more of them than
 * there are folders above it. `..` behind a name could leave by a link of that name.
 */
export function linkStaysInside(path: string, pointsTo: string): boolean {
  if (pointsTo === '' || pointsTo.includes('\0') || /^[/\\]|^[a-z]:/i.test(pointsTo)) return false
  let room = path.split('/').length - 1
  let named = false
  for (const part of pointsTo.split(/[/\\]/)) {
    if (part === '' || part === '.') continue
    if (part !== '..') named = true
    else if (named || room-- === 0) return false
  }
  return true
}
