// Archives whose bytes depend on nothing but their entries: sorted, one time for all, no owner, the same compression. And what is in one.
import {gzipSync} from 'node:zlib'

const block = 512

/** ustar keeps a path of up to 100 bytes, with up to 155 more of folders before it. */
function splitPath(path) {
  if (Buffer.byteLength(path) <= 100) return ['', path]
  for (let at = path.indexOf('/'); at !== -1; at = path.indexOf('/', at + 1)) {
    const [folder, name] = [path.slice(0, at), path.slice(at + 1)]
    if (Buffer.byteLength(name) <= 100 && Buffer.byteLength(folder) <= 155) return [folder, name]
  }
  throw new Error(`${path} is too long for a ustar archive`)
}

function header({path, size, executable}, seconds) {
  const bytes = Buffer.alloc(block)
  const [folder, name] = splitPath(path)
  const octal = (value, at, length) => bytes.write(`${value.toString(8).padStart(length - 1, '0')}\0`, at, 'latin1')
  bytes.write(name, 0)
  octal(executable ? 0o755 : 0o644, 100, 8)
  octal(0, 108, 8)
  octal(0, 116, 8)
  octal(size, 124, 12)
  octal(seconds, 136, 12)
  bytes.write('        0', 148, 'latin1')
  bytes.write('ustar\u000000', 257, 'latin1')
  bytes.write(folder, 345)
  const sum = bytes.reduce((all, byte) => all + byte, 0)
  bytes.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1')
  return bytes
}

/**
 * `entries`: {path, executable?, bytes()}, in any order. `seconds`: the time of each file. Returns the .tar.gz.
 * Files only: folders follow from their paths, and links would not be unpacked.
 */
export function tarball(entries, {seconds, level = 9}) {
  const parts = []
  for (const {path, executable, bytes} of entries.toSorted((a, b) => (a.path < b.path ? -1 : 1))) {
    const body = bytes()
    parts.push(header({path, size: body.length, executable}, seconds), body, Buffer.alloc((block - (body.length % block)) % block))
  }
  parts.push(Buffer.alloc(2 * block))
  const zipped = gzipSync(Buffer.concat(parts), {level})
  zipped[9] = 255 // the system that it was made on is none of its readers' business
  return zipped
}

/** The entries of an unpacked .tar: {path, mode, type, body}; `type` is `file` or what the archive calls it. */
export function* readTar(tar) {
  const text = (at, length) => tar.toString('utf8', at, at + length).replace(/\0.*$/s, '')
  for (let at = 0; at + block <= tar.length && tar[at] !== 0;) {
    const size = Number.parseInt(text(at + 124, 12), 8)
    const folder = text(at + 345, 155)
    const type = text(at + 156, 1)
    yield {
      path: `${folder === '' ? '' : `${folder}/`}${text(at, 100)}`, mode: Number.parseInt(text(at + 100, 8), 8),
      type: type === '0' || type === '' ? 'file' : type, body: tar.subarray(at + block, at + block + size),
    }
    at += block + Math.ceil(size / block) * block
  }
}
