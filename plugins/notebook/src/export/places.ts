import {realpath, stat} from 'node:fs/promises'
import {basename, dirname, extname, join, resolve} from 'node:path'
import {errors, sanitizeLine} from '@cgpu/plugin-sdk'
import {isAddress} from '../addresses/address.ts'

export interface Place {
  /** the path as given, or `-` */
  from: string
  /** where it goes, or `-` for stdout */
  to: string
}

/**
 * Where each notebook goes: beside itself unless `out` says otherwise; several go into a folder. Throws USAGE (64) where two would be
 * one file, or a notebook would be overwritten by its own export.
 */
export async function places(sources: readonly {path: string; extension: string}[], out: string | undefined): Promise<Place[]> {
  const folder = out !== undefined && out !== '-' && (sources.length > 1 || /[\\/]$/.test(out) || (await isFolder(out)))
  if (out === '-' && sources.length > 1) throw errors.usage('several notebooks cannot go to stdout', {code: 'USAGE', fix: 'give a folder: -o FOLDER'})
  const all = sources.map(({path, extension}) => {
    if (folder) return {from: path, to: join(out, named(path, extension))}
    return {from: path, to: out ?? (path === '-' ? '-' : join(isAddress(path) ? '.' : dirname(path), named(path, extension)))}
  })
  const seen = new Map<string, string>()
  for (const {from, to} of all) {
    if (to === '-') continue
    if (from !== '-' && (await same(from, to))) throw errors.usage(`${sanitizeLine(from)} would be overwritten by its own export`, {code: 'USAGE', fix: 'give another place with -o'})
    const before = seen.get(resolve(to))
    if (before !== undefined) throw errors.usage(`${sanitizeLine(before)} and ${sanitizeLine(from)} would both be written to ${sanitizeLine(to)}`, {code: 'USAGE', fix: 'export them one by one'})
    seen.set(resolve(to), from)
  }
  return all
}

const named = (path: string, extension: string): string => `${path === '-' ? 'notebook' : basename(path, extname(path))}${extension}`
const isFolder = (path: string): Promise<boolean> => stat(path).then((found) => found.isDirectory(), () => false)
const real = (path: string): Promise<string> => realpath(path).catch(() => resolve(path))
const same = async (a: string, b: string): Promise<boolean> => (await real(a)) === (await real(b))
