import {copyFile, readdir} from 'node:fs/promises'
import {dirname, join, relative, sep} from 'node:path'
import {sanitizeLine} from '@cgpu/plugin-sdk'
import {folderBelow, folderOf} from '../travel/travel.ts'
import type {FoundRun} from './place.ts'

/** What `--fetch` named came to this computer at the job's end: puts it beside the executed copy, each file at its place. Gives their paths. Throws CANNOT_WRITE (73). */
export async function putFetched({outputs, copy}: Pick<FoundRun, 'outputs' | 'copy'>, output: string, {patterns, onWarning}: {patterns: readonly string[]; onWarning: (message: string) => void}): Promise<string[]> {
  if (patterns.length === 0) return []
  const entries = await readdir(outputs, {withFileTypes: true, recursive: true}).catch(() => [])
  const paths = entries.filter((entry) => entry.isFile()).map((entry) => relative(outputs, join(entry.parentPath, entry.name)).split(sep).join('/')).filter((path) => path !== copy).sort()
  if (paths.length === 0) onWarning(`--fetch ${sanitizeLine(patterns.join(', '), 200)}: nothing that the run wrote matches`)
  const came: string[] = []
  for (const path of paths) {
    const target = join(await folderBelow(folderOf(output), dirname(path)), path.split('/').at(-1) ?? '')
    await copyFile(join(outputs, ...path.split('/')), target)
    came.push(target)
  }
  return came
}
