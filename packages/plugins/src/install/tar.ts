import {gunzipSync} from 'node:zlib'
import {errors} from '@cgpu/core/errors'
import {errnoOf} from '@cgpu/core/state/write-error'
import {sanitizeLine} from '@cgpu/core/text/line'

/** A file of a package: its path below the package's folder, with `/`. */
export interface PackedFile {
  path: string
  executable: boolean
  data: Buffer
}

const block = 512
const maxUnpacked = 1024 * 2 ** 20
const maxFiles = 100_000

const unsafe = (why: string) => errors.data(`the tarball is not one that npm makes: ${why}`, {code: 'PLUGIN_TARBALL', category: 'plugin', fix: 'nothing was installed; tell its publisher'})

/**
 * Reads a package's tarball. npm packs plain files in one folder; links, devices, and paths that lead out of it are refused, and
 * nothing of such a tarball is used. Throws PLUGIN_TARBALL (65).
 */
export function readTarball(tarball: Uint8Array): PackedFile[] {
  const bytes = inflate(tarball)
  const files = new Map<string, PackedFile>()
  let names: {path?: string} = {}
  for (let at = 0; at + block <= bytes.length;) {
    const header = bytes.subarray(at, at + block)
    if (header.every((byte) => byte === 0)) break
    if (!hasChecksum(header)) throw unsafe('a header is damaged')
    const size = numberAt(header, 124, 12)
    const end = at + block + size
    if (end > bytes.length) throw unsafe('it ends too early')
    const data = bytes.subarray(at + block, end)
    at += block + Math.ceil(size / block) * block
    const type = String.fromCharCode(header[156] ?? 0)
    if (type === 'g') continue // pax defaults: npm writes a comment there
    if (type === 'x') names = {...names, ...paxNames(data)}
    else if (type === 'L') names = {...names, path: textOf(data)}
    else {
      const path = names.path ?? [textAt(header, 345, 155), textAt(header, 0, 100)].filter(Boolean).join('/')
      names = {}
      if (type === '5') continue
      const shown = sanitizeLine(path, 200)
      if (type !== '0' && type !== '\0') throw unsafe(`${shown} is ${type === '1' || type === '2' ? 'a link' : 'no file'}`)
      const inside = safePath(path)
      if (inside === undefined) throw unsafe(`${shown} leads out of the package`)
      if (files.size >= maxFiles) throw unsafe(`it holds more than ${maxFiles} files`)
      // on disks that ignore case one would take the other's place
      const key = inside.toLowerCase()
      if (files.has(key) && files.get(key)?.path !== inside) throw unsafe(`${shown} is there twice`)
      files.set(key, {path: inside, executable: (numberAt(header, 100, 8) & 0o111) !== 0, data})
    }
  }
  if (files.size === 0) throw unsafe('it is empty')
  return [...files.values()]
}

function inflate(tarball: Uint8Array): Buffer {
  try {
    return gunzipSync(tarball, {maxOutputLength: maxUnpacked})
  } catch (error) {
    throw unsafe(errnoOf(error) === 'ERR_BUFFER_TOO_LARGE' ? `it unpacks to more than ${maxUnpacked} bytes` : 'it is not compressed with gzip, or is cut off')
  }
}

/** Below the tarball's one folder, whatever that is called. Undefined: out of it. */
function safePath(path: string): string | undefined {
  if (path.includes('\0') || path.includes('\\') || path.startsWith('/') || /^[a-zA-Z]:/.test(path)) return undefined
  const parts = path.split('/').filter((part) => part !== '.' && part !== '')
  if (parts.length < 2 || parts.includes('..')) return undefined
  return parts.slice(1).join('/')
}

const textOf = (data: Uint8Array): string => Buffer.from(data).toString('utf8').replace(/\0.*$/s, '')
const textAt = (header: Buffer, from: number, length: number): string => textOf(header.subarray(from, from + length))

function numberAt(header: Buffer, from: number, length: number): number {
  const text = textAt(header, from, length).trim()
  if (text !== '' && !/^[0-7]+$/.test(text)) throw unsafe('a header is damaged')
  return text === '' ? 0 : Number.parseInt(text, 8)
}

/** The sum of the header's bytes, with spaces where it stands itself. */
function hasChecksum(header: Buffer): boolean {
  let sum = 0
  for (const [i, byte] of header.entries()) sum += i >= 148 && i < 156 ? 0x20 : byte
  return sum === numberAt(header, 148, 8)
}

/** `25 path=package/a/long/name\n`: only the path counts; a size there would be of a file that npm cannot make. */
function paxNames(data: Buffer): {path?: string} {
  let names: {path?: string} = {}
  for (let at = 0; at < data.length;) {
    const space = data.indexOf(0x20, at)
    const length = Number(data.subarray(at, space).toString('latin1'))
    if (space === -1 || !Number.isSafeInteger(length) || length <= space - at) throw unsafe('a header is damaged')
    const [key = '', ...value] = data.subarray(space + 1, at + length - 1).toString('utf8').split('=')
    if (key === 'path') names = {path: value.join('=')}
    if (key === 'size' || key === 'linkpath') throw unsafe(`it uses "${key}" of pax`)
    at += length
  }
  return names
}
