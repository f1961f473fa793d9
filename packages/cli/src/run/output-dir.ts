import {access, constants, stat} from 'node:fs/promises'
import {dirname, resolve} from 'node:path'
import {errors} from '@cgpu/core/errors'
import {cannotWrite, errnoOf} from '@cgpu/core/state/write-error'
import {sanitizeLine} from '@cgpu/core/text/line'

/**
 * The folder that outputs go to, checked before anything runs: it need not exist yet, but it must be possible to make it.
 * Throws INVALID_PATH (64) and CANNOT_WRITE (73).
 */
export async function checkedOutputDir(given: string | undefined): Promise<string> {
  const path = given ?? '.'
  if (path.trim() === '' || path.includes('\0')) {
    throw errors.usage('the folder for outputs cannot be empty', {code: 'INVALID_PATH', category: 'file', fix: 'give --output-dir a path, or leave it out'})
  }
  for (let folder = resolve(path); ; folder = dirname(folder)) {
    try {
      if (!(await stat(folder)).isDirectory()) {
        throw errors.usage(`${sanitizeLine(folder)} is not a folder`, {code: 'NOT_A_FOLDER', category: 'file', fix: 'give --output-dir the path of a folder'})
      }
      await access(folder, constants.W_OK)
      return path
    } catch (error) {
      if (errnoOf(error) === 'ENOENT' && dirname(folder) !== folder) continue
      throw errnoOf(error) === undefined ? error : cannotWrite(folder, error)
    }
  }
}
