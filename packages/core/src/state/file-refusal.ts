import {errors} from '../errors.ts'
import {sanitizeLine} from '../text/line.ts'
import {errnoOf} from './write-error.ts'

/** Does it; what the system says of the file becomes FILE_NOT_FOUND (66) or FILE_REFUSED (73). */
export async function told<T>(path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    const code = errnoOf(error) ?? ''
    if (code === 'ENOENT') throw errors.notFound(`there is no ${sanitizeLine(path)}`, {code: 'FILE_NOT_FOUND', category: 'file', cause: error})
    if (/^E[A-Z]+$/.test(code)) throw errors.cannotWrite(`${sanitizeLine(path)}: ${code}`, {code: 'FILE_REFUSED', category: 'file', cause: error})
    throw error
  }
}
