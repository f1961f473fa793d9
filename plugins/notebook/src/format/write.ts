import {type Cell, isRecord, type MimeBundle, type Notebook, type Output} from './model.ts'

/** Where Python's `splitlines` ends a line, which is where Jupyter's own files do. */
const lineEnd = /(?<=\r\n|\r(?!\n)|[\n\v\f\u001C-\u001E\u0085\u2028\u2029])/

const lines = (text: string): string[] => (text === '' ? [] : text.split(lineEnd))
const isJson = (mime: string): boolean => mime === 'application/json' || /^application\/.*\+json$/.test(mime)

/** The file's text as Jupyter writes it: one space of indent, keys sorted, multi-line strings as lists of lines, a newline at the end. */
export function notebookText(notebook: Notebook): string {
  const {orig_nbformat: _, orig_nbformat_minor: __, signature: ___, ...metadata} = notebook.metadata
  return `${JSON.stringify(sorted({...notebook, metadata, cells: notebook.cells.map(cellForFile)}), null, 1)}\n`
}

function cellForFile(cell: Cell): unknown {
  const {trusted: _, ...metadata} = cell.metadata
  const common = {...cell, metadata, source: lines(cell.source)}
  if (cell.cell_type === 'code') return {...common, outputs: cell.outputs.map(outputForFile)}
  return cell.attachments === undefined ? common : {...common, attachments: Object.fromEntries(Object.entries(cell.attachments).map(([name, one]) => [name, bundleForFile(one)]))}
}

function outputForFile(output: Output): unknown {
  if (output.output_type === 'stream') return {...output, text: lines(output.text)}
  return output.output_type === 'error' ? output : {...output, data: bundleForFile(output.data)}
}

const bundleForFile = (data: MimeBundle): MimeBundle =>
  Object.fromEntries(Object.entries(data).map(([mime, value]) => [mime, typeof value === 'string' && !isJson(mime) ? lines(value) : value]))

/** By code points, as Python sorts; what JSON cannot say, NaN and infinities, becomes text instead of null. */
function sorted(value: unknown): unknown {
  if (typeof value === 'number' && !Number.isFinite(value)) return String(value)
  if (Array.isArray(value)) return value.map(sorted)
  if (!isRecord(value)) return value
  const entries = Object.entries(value)
  // a key that is a number would come first in an object; there JSON's own order is as good as any
  return Object.fromEntries(entries.sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)).map(([key, one]) => [key, sorted(one)]))
}
