import {basename, dirname, join} from 'node:path'
import {errors} from '@cgpu/plugin-sdk'
import {isAddress, nameOf} from '../addresses/address.ts'

/** Where the executed copy goes: `-o`, the notebook itself with `--inplace`, else NAME.out.ipynb beside it, of an address in this folder; a notebook from stdin is printed. */
export function outputPath(notebook: string, {out, inplace}: {out?: string | undefined; inplace?: boolean}): string {
  if (out !== undefined) return out
  if (inplace && notebook === '-') throw errors.usage('a notebook from stdin has no place', {code: 'USAGE', fix: 'give -o FILE'})
  if (inplace || notebook === '-') return notebook
  const path = isAddress(notebook) ? nameOf(notebook) : notebook
  return join(dirname(path), `${basename(path).replace(/\.ipynb$/i, '')}.out.ipynb`)
}
