import {basename, dirname, join} from 'node:path'
import {errors} from '@cgpu/plugin-sdk'

/** Where the executed copy goes: `-o`, the notebook itself with `--inplace`, else NAME.out.ipynb beside it; a notebook from stdin is printed. */
export function outputPath(notebook: string, {out, inplace}: {out?: string | undefined; inplace?: boolean}): string {
  if (out !== undefined) return out
  if (inplace && notebook === '-') throw errors.usage('a notebook from stdin has no place', {code: 'USAGE', fix: 'give -o FILE'})
  if (inplace || notebook === '-') return notebook
  return join(dirname(notebook), `${basename(notebook).replace(/\.ipynb$/i, '')}.out.ipynb`)
}
