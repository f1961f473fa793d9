import {gzipSync} from 'node:zlib'

/** An entry of a tarball, right or wrong. */
export interface TarEntry {
  /** whole, with the tarball's own folder */
  path: string
  data?: string | Buffer
  /** `0` a file, `1` a hard link, `2` a symbolic link, `3` a device, `5` a folder */
  type?: string
  link?: string
  mode?: number
}

function header({path, type = '0', link = '', mode = 0o644}: TarEntry, size: number): Buffer {
  const block = Buffer.alloc(512)
  const octal = (value: number, at: number, length: number): void => void block.write(`${value.toString(8).padStart(length - 1, '0')}\0`, at, 'latin1')
  block.write(path, 0, 100, 'utf8')
  octal(mode, 100, 8)
  octal(0, 108, 8)
  octal(0, 116, 8)
  octal(size, 124, 12)
  octal(499_162_500, 136, 12)
  block.write('        ', 148, 'latin1')
  block.write(type, 156, 'latin1')
  block.write(link, 157, 100, 'utf8')
  block.write('ustar\0', 257, 'latin1')
  block.write('00', 263, 'latin1')
  octal(block.reduce((sum, byte) => sum + byte, 0), 148, 7)
  return block
}

/** A gzipped tarball of just these entries, whatever they are. */
export function tarball(entries: readonly TarEntry[]): Buffer {
  const parts = entries.flatMap((entry) => {
    const data = Buffer.from(entry.data ?? '')
    return [header(entry, data.length), data, Buffer.alloc((512 - (data.length % 512)) % 512)]
  })
  return gzipSync(Buffer.concat([...parts, Buffer.alloc(1024)]))
}

/** As npm packs files: below `package/`. */
export const packed = (files: Record<string, string>): Buffer => tarball(Object.entries(files).map(([path, data]) => ({path: `package/${path}`, data})))
