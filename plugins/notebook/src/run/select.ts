import {errors, sanitizeLine} from '@cgpu/plugin-sdk'
import {type Notebook, tagsOf} from '../format/model.ts'

export interface Selection {
  /** a cell by its number (from 1, all cells count), its id or a tag */
  from?: string | undefined
  until?: string | undefined
  /** numbers, ranges as 3-5, ids and tags */
  cells?: readonly string[] | undefined
  tags?: readonly string[] | undefined
}

/** Ids of the cells that all of the options include; undefined where none is given. Throws NO_SUCH_CELL (64). */
export function select(notebook: Notebook, {from, until, cells, tags}: Selection): Set<string> | undefined {
  if (from === undefined && until === undefined && !cells?.length && !tags?.length) return undefined
  const all = notebook.cells
  const first = from === undefined ? 0 : (indicesOf(notebook, from)[0] ?? 0)
  const last = until === undefined ? all.length - 1 : (indicesOf(notebook, until).at(-1) ?? all.length - 1)
  if (first > last) throw noSuchCell(`--from ${sanitizeLine(from ?? '', 80)} stands behind --until ${sanitizeLine(until ?? '', 80)}`, notebook)
  const listed = cells?.length ? new Set(splitList(cells).flatMap((one) => rangeOf(notebook, one))) : undefined
  const wanted = tags?.length ? splitList(tags) : undefined
  for (const tag of wanted ?? []) if (!all.some((cell) => tagsOf(cell).includes(tag))) throw noSuchCell(`no cell has the tag "${sanitizeLine(tag, 80)}"`, notebook)
  const chosen = all.filter((cell, index) => index >= first && index <= last && (listed?.has(index) ?? true) && (wanted?.some((tag) => tagsOf(cell).includes(tag)) ?? true))
  return new Set(chosen.map(({id}) => id))
}

const splitList = (texts: readonly string[]): string[] => texts.flatMap((text) => text.split(',')).map((one) => one.trim()).filter((one) => one !== '')

function rangeOf(notebook: Notebook, text: string): number[] {
  const [, start, end] = /^(\d+)-(\d+)$/.exec(text) ?? []
  if (start === undefined || end === undefined) return indicesOf(notebook, text)
  const [a, b] = [numbered(notebook, start), numbered(notebook, end)]
  if (b < a) throw noSuchCell(`${text} ends before it begins`, notebook)
  return Array.from({length: b - a + 1}, (_, index) => a + index)
}

function indicesOf(notebook: Notebook, text: string): number[] {
  if (/^\d+$/.test(text)) return [numbered(notebook, text)]
  const byId = notebook.cells.findIndex(({id}) => id === text)
  if (byId >= 0) return [byId]
  const tagged = notebook.cells.flatMap((cell, index) => (tagsOf(cell).includes(text) ? [index] : []))
  if (tagged.length > 0) return tagged
  throw noSuchCell(`no cell has the id or the tag "${sanitizeLine(text, 80)}"`, notebook)
}

function numbered(notebook: Notebook, text: string): number {
  const number = Number(text)
  if (number >= 1 && number <= notebook.cells.length) return number - 1
  throw noSuchCell(`there is no cell ${text}`, notebook)
}

function noSuchCell(message: string, {cells}: Notebook) {
  return errors.usage(message, {code: 'NO_SUCH_CELL', fix: `give a number from 1 to ${cells.length}, a cell's id, or a tag`})
}
