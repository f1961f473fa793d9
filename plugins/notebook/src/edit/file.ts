import {readFile, stat} from 'node:fs/promises'
import {errors, sanitizeLine, writeAtomic} from '@cgpu/plugin-sdk'
import type {Notebook} from '../format/model.ts'
import {parseNotebook, readSource} from '../format/read.ts'
import {items, type Member, members, root, type Span, valueOf} from './json-text.ts'

/** A notebook and the text that it came from, to change parts of. */
export interface NotebookFile {
  /** as it was given; `-`: stdin */
  path: string
  text: string
  notebook: Notebook
}

/** Throws as `readNotebook` does. `lenient`: cells may share ids. */
export async function openNotebook(path: string, {lenient = false} = {}): Promise<NotebookFile> {
  const text = await readSource(path)
  const name = path === '-' ? 'stdin' : sanitizeLine(path)
  const notebook = parseNotebook(text, name, {duplicateIds: lenient})
  // what is no UTF-8 was replaced when it was read: written back it would be lost
  if (path !== '-' && text.includes('\uFFFD') && !Buffer.from(text).equals(await readFile(path))) {
    throw errors.data(`${name} is not a notebook: it is not UTF-8`, {code: 'NOTEBOOK_NOT_JSON', category: 'file', fix: 'give a file that Jupyter saved'})
  }
  return {path, text, notebook}
}

/** Writes the file whole or not at all; one that is there keeps its permissions. Throws CANNOT_WRITE (73). */
export async function writeText(path: string, text: string): Promise<void> {
  const there = await stat(path).catch(() => undefined)
  await writeAtomic(path, text, {mode: there ? there.mode & 0o777 : 0o666, followLink: true})
}

export interface CellPlace extends Span {
  members: Member[]
}

/** Where the cells are in the text, as many as the notebook has. */
export function cellPlaces(text: string): CellPlace[] {
  const cells = valueOf(text, root(text), 'cells')
  return cells ? items(text, cells).map((span) => ({...span, members: members(text, span)})) : []
}

export const memberOf = (place: {members: readonly Member[]}, key: string): Member | undefined => place.members.findLast((one) => one.key === key)
