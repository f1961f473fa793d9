import {constants} from 'node:fs'
import {lstat, open, readdir, realpath} from 'node:fs/promises'
import {basename, dirname, join, resolve, sep} from 'node:path'
import {errors} from '@cgpu/core/errors'
import {told} from '@cgpu/core/state/file-refusal'
import {sanitizeLine} from '@cgpu/core/text/line'
import type {Capability} from '../../manifest.ts'

type Files = Extract<Capability, {use: 'files'}>

export interface Place {
  /** relative paths are relative to it */
  cwd: string
  home: string
}

const maxBytes = 16 * 1024 * 1024

/** A file that was declared to be read, or lies below a folder that was. `{data}` in base64. */
export async function readDeclared(path: string, granted: readonly Files[], place: Place, refuse: () => never): Promise<{data: string}> {
  const real = await declaredPath(path, granted.flatMap(({read}) => read), place, refuse)
  return told(path, async () => {
    // no link: it was resolved, and one that was put there since leads elsewhere
    const file = await open(real, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK)
    try {
      const {size} = await regular(file)
      if (size > maxBytes) throw errors.data(`${sanitizeLine(path)} is larger than ${maxBytes} bytes`, {code: 'FILE_TOO_LARGE', category: 'file'})
      return {data: (await file.readFile()).toString('base64')}
    } finally {
      await file.close()
    }
  })
}

export async function listFolder(path: string, granted: readonly Files[], place: Place, refuse: () => never): Promise<{name: string; kind: string; size: number}[]> {
  const real = await declaredPath(path, granted.flatMap(({read}) => read), place, refuse)
  return told(path, async () => {
    const entries = (await readdir(real)).slice(0, 10_000)
    return Promise.all(entries.map(async name => {
      const info = await lstat(join(real, name))
      return {name, kind: info.isFile() ? 'file' : info.isDirectory() ? 'folder' : 'other', size: info.size}
    }))
  })
}

/** Writes a file that was declared to be written, or lies in a folder that was and is there. `data` in base64. */
export async function writeDeclared(path: string, data: string, granted: readonly Files[], place: Place, refuse: () => never): Promise<{bytes: number}> {
  const real = await declaredPath(path, granted.flatMap(({write}) => write), place, refuse)
  const bytes = Buffer.from(data, 'base64')
  return told(path, async () => {
    const file = await open(real, constants.O_WRONLY | constants.O_CREAT | constants.O_NOFOLLOW | constants.O_NONBLOCK, 0o600)
    try {
      await regular(file)
      await file.truncate()
      await file.writeFile(bytes)
    } finally {
      await file.close()
    }
    return {bytes: bytes.length}
  })
}

async function regular(file: Awaited<ReturnType<typeof open>>): Promise<{size: number}> {
  const info = await file.stat()
  // a second name of a file could stand for one elsewhere
  if (!info.isFile() || info.nlink > 1) throw errors.data('that is not a plain file', {code: 'NOT_A_FILE', category: 'file'})
  return info
}

/** The real path, which must lie in the real path of one of the patterns: links are followed before, never after. */
export async function declaredPath(path: string, patterns: readonly string[], place: Place, refuse: () => never): Promise<string> {
  const real = await realOf(absolute(path, place))
  for (const pattern of patterns) {
    const base = folderOf(pattern)
    const root = base === undefined ? undefined : await realOf(absolute(base, place))
    if (root !== undefined && real !== undefined && (real === root || real.startsWith(root.endsWith(sep) ? root : root + sep))) return real
  }
  return refuse()
}

/** `./data`, `./data/`, `./data/**`: the file, or the folder and what is in it. Other wildcards grant nothing. */
function folderOf(pattern: string): string | undefined {
  const base = pattern.replace(/(\/\*{1,2}|\/)$/, '')
  return base === '' || /[*?\0]/.test(base) ? undefined : base
}

const absolute = (path: string, {cwd, home}: Place): string => (path === '~' || path.startsWith('~/') ? join(home, path.slice(1)) : resolve(cwd, path))

/** Also of a file that is not there yet, in a folder that is. */
async function realOf(path: string): Promise<string | undefined> {
  try {
    return await realpath(path)
  } catch {
    try {
      // a link to nowhere must not be followed by writing to it
      return (await lstat(path).catch(() => undefined)) ? undefined : join(await realpath(dirname(path)), basename(path))
    } catch {
      return undefined
    }
  }
}
