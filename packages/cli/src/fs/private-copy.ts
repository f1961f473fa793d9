import {mkdtemp, rm} from 'node:fs/promises'
import {tmpdir} from 'node:os'
import {basename, join} from 'node:path'
import {cannotWrite} from '@cgpu/core/state/write-error'

/** A place for one file that only this user can read. */
export interface PrivateCopy {
  path: string
  /** the file and its folder go */
  remove(): Promise<void>
}

/** Under the remote file's own name, so that programs see what it is, less what no name here may hold. */
export async function privateCopy(remotePath: string): Promise<PrivateCopy> {
  // mkdtemp makes it 0700
  const folder = await mkdtemp(join(tmpdir(), 'cgpu-')).catch((error: unknown) => {
    throw cannotWrite(tmpdir(), error)
  })
  return {path: join(folder, localName(remotePath)), remove: () => rm(folder, {recursive: true, force: true, maxRetries: 3})}
}

const reserved = /^(con|prn|aux|nul|com\d|lpt\d)(\.|$)/i

/** The last part of a path as a name that any system takes, and no program takes for a flag. */
export function localName(remotePath: string): string {
  // eslint-disable-next-line no-control-regex -- control characters are what is looked for
  const clean = basename(remotePath).replace(/[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2066-\u2069\ufffd<>:"/\\|?*]/g, '_').replace(/[. ]+$/, '')
  const name = clean.slice(-120).replace(/^-/, '_')
  return name === '' || reserved.test(name) ? `_${name}` : name
}
