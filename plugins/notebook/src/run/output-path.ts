import {statSync} from 'node:fs'
import {basename, dirname, join, resolve} from 'node:path'
import {errors} from '@cgpu/plugin-sdk'
import {isAddress, nameOf} from '../addresses/address.ts'

/** Where the executed copy goes: `-o`, below the folder that it names by its name; the notebook itself with `--inplace`, else NAME.out.ipynb beside it, of an address in this folder; a notebook from stdin is printed. */
export function outputPath(notebook: string, {out, inplace}: {out?: string | undefined; inplace?: boolean}): string {
  if (out !== undefined) return isFolder(out) ? within(out, notebook) : out
  if (inplace && notebook === '-') throw errors.usage('a notebook from stdin has no place', {code: 'USAGE', fix: 'give -o FILE'})
  if (inplace || notebook === '-') return notebook
  return join(isAddress(notebook) ? '.' : dirname(notebook), `${nameIn(notebook)}.out.ipynb`)
}

/** Throws USAGE (64) where that is the notebook. */
function within(folder: string, notebook: string): string {
  const path = join(folder, `${notebook === '-' ? 'notebook' : nameIn(notebook)}.ipynb`)
  if (resolve(path) === resolve(notebook)) throw errors.usage('the copy would replace the notebook', {code: 'USAGE', fix: 'give it another folder or name with -o, or --inplace'})
  return path
}

/** One that is there, or that is said to be one by a slash at its end. */
export const isFolder = (out: string): boolean => !isAddress(out) && (/[\\/]$/.test(out) || (out !== '-' && statSync(out, {throwIfNoEntry: false})?.isDirectory() === true))

/** The notebook's name without .ipynb. */
export const nameIn = (notebook: string): string => basename(isAddress(notebook) ? nameOf(notebook) : notebook).replace(/\.ipynb$/i, '')
