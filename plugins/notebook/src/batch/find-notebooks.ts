import {readdir, stat} from 'node:fs/promises'
import {basename, dirname, join, relative, resolve, sep} from 'node:path'
import {errors, sanitizeLine} from '@cgpu/plugin-sdk'
import {isAddress} from '../addresses/address.ts'

export interface FoundNotebook {
  notebook: string
  /** below the folder that was given; '' for a notebook that was named */
  folder: string
}

/**
 * The notebooks that are named, and with `recursive` those in folders: sorted, without hidden folders, without what is below `except` (the
 * folder of the copies), and without copies NAME.out.ipynb beside NAME.ipynb. Throws NOTEBOOK_NOT_FOUND (66), USAGE (64).
 */
export async function findNotebooks(places: readonly string[], {recursive, except}: {recursive: boolean; except?: string | undefined}): Promise<FoundNotebook[]> {
  return (await Promise.all(places.map(async (place) => {
    const there = isAddress(place) ? undefined : await stat(place).catch(() => undefined)
    if (!there?.isDirectory()) return [{notebook: place, folder: ''}]
    if (!recursive) throw errors.usage(`${sanitizeLine(place)} is a folder`, {code: 'USAGE', fix: '-R takes all notebooks in it'})
    const found = await below(place, except)
    if (found.length === 0) throw errors.notFound(`there is no notebook in ${sanitizeLine(place)}`, {code: 'NOTEBOOK_NOT_FOUND', category: 'file', fix: 'give a folder that has .ipynb files'})
    return found
  }))).flat()
}

async function below(root: string, except: string | undefined): Promise<FoundNotebook[]> {
  const entries = await readdir(root, {recursive: true, withFileTypes: true})
  const files = entries.filter((one) => one.isFile() && one.name.endsWith('.ipynb')).map(({parentPath, name}) => join(parentPath, name))
  const known = new Set(files)
  return files
    .filter((file) => !relative(root, file).split(sep).some((part) => part.startsWith('.')))
    .filter((file) => except === undefined || relative(resolve(except), resolve(file)).startsWith('..'))
    .filter((file) => !file.endsWith('.out.ipynb') || !known.has(join(dirname(file), `${basename(file, '.out.ipynb')}.ipynb`)))
    .sort()
    .map((file) => ({notebook: file, folder: relative(root, dirname(file))}))
}
