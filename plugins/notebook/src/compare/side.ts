import {sanitizeLine} from '@cgpu/plugin-sdk'
import type {Notebook} from '../format/model.ts'
import {parseNotebook, readSource} from '../format/read.ts'

/** A notebook to compare. git names /dev/null where a file is new or gone, and an empty file as the base (`mayBeEmpty`) where both sides added it. */
export async function readSide(path: string, {mayBeEmpty = false} = {}): Promise<Notebook> {
  if (path === '/dev/null' || path === 'NUL') return emptyNotebook()
  const text = await readSource(path)
  return mayBeEmpty && text.trim() === '' ? emptyNotebook() : parseNotebook(text, path === '-' ? 'stdin' : sanitizeLine(path))
}

const emptyNotebook = (): Notebook => ({cells: [], metadata: {}, nbformat: 4, nbformat_minor: 5})
