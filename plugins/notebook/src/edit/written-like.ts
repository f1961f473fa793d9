import type {Notebook} from '../format/model.ts'
import {notebookText} from '../format/write.ts'
import {indentOf, members, root, type Span} from './json-text.ts'
import {cellPlaces} from './file.ts'

/** The notebook's text with the indent, the order of keys, and the end that `sample`, another notebook's text, has. */
export function writtenLike(sample: string, notebook: Notebook): string {
  const sorted: unknown = JSON.parse(notebookText(notebook))
  const value = inOrder(sorted, keysOf(sample))
  const text = JSON.stringify(value, null, indentOf(sample))
  return `${sample.startsWith('\uFEFF') ? '\uFEFF' : ''}${text}${sample.endsWith('\n') ? '\n' : ''}`
}

interface Keys {
  notebook: readonly string[]
  cell: readonly string[]
}

function keysOf(sample: string): Keys {
  const names = (object: Span): string[] => members(sample, object).map(({key}) => key)
  const cell = cellPlaces(sample).flatMap((place) => place.members.map(({key}) => key))
  return {notebook: names(root(sample)), cell: [...new Set(cell)]}
}

/** Keys of the notebook and of its cells where the sample has them; others, and those of deeper records, by name. */
function inOrder(value: unknown, keys: Keys): unknown {
  const notebook = value as {cells: Record<string, unknown>[]} // what `notebookText` wrote
  return ordered({...notebook, cells: notebook.cells.map((cell) => ordered(cell, keys.cell))}, keys.notebook)
}

function ordered(record: Record<string, unknown>, keys: readonly string[]): Record<string, unknown> {
  const place = (key: string): number => (keys.includes(key) ? keys.indexOf(key) : keys.length)
  return Object.fromEntries(Object.entries(record).sort(([a], [b]) => place(a) - place(b)))
}
