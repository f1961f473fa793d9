import {keptOf} from './kept.ts'
import {splitLines} from './lines.ts'
import {type Cell, isRecord, type MimeBundle, type Notebook, type Output} from './model.ts'

const isJson = (mime: string): boolean => mime === 'application/json' || /^application\/.*\+json$/.test(mime)

/** The file's text as Jupyter writes it: one space of indent, keys sorted, multi-line strings as lists of lines, a newline at the end. */
export const notebookText = (notebook: Notebook): string => [...notebookChunks(notebook)].join('')

/** The same in pieces: a notebook of hundreds of megabytes is never in memory as text. Each cell is as it is when its turn comes. */
export function* notebookChunks(notebook: Notebook): Generator<string> {
  const {orig_nbformat: _, orig_nbformat_minor: __, signature: ___, ...metadata} = notebook.metadata
  yield* jsonChunks({...notebook, metadata, cells: new Later(notebook.cells)}, '\n')
  yield '\n'
}

/** JSON as Python writes it with an indent. `margin`: a newline and the indent of the value itself. */
export function* jsonChunks(value: unknown, margin: string): Generator<string> {
  const out: Pending = {text: ''}
  yield* emit(value, margin, out)
  yield out.text
}

interface Pending {
  text: string
}

/** Cells that are made ready when their turn comes: ten thousand at once are enough to make the heap grow for good. */
class Later {
  readonly cells: readonly Cell[]

  constructor(cells: readonly Cell[]) {
    this.cells = cells
  }

  *[Symbol.iterator](): Generator {
    for (const cell of this.cells) yield cellForFile(cell)
  }
}

/** A value that is kept as it is written. */
class Written {
  readonly kept: NonNullable<ReturnType<typeof keptOf>>

  constructor(kept: NonNullable<ReturnType<typeof keptOf>>) {
    this.kept = kept
  }
}

const chunkLength = 64 * 1024

function* emit(value: unknown, margin: string, out: Pending): Generator<string> {
  if (value instanceof Written) {
    yield out.text
    out.text = ''
    return yield* value.kept.chunks()
  }
  if (Array.isArray(value) || value instanceof Later) yield* list(value, undefined, {brackets: '[]', margin, out})
  else if (isRecord(value)) yield* list(Object.keys(value).filter((key) => value[key] !== undefined).sort(), value, {brackets: '{}', margin, out})
  else out.text += scalar(value)
  if (out.text.length < chunkLength) return
  yield out.text
  out.text = ''
}

/** Items, or the keys of those in `record`. */
function* list(items: Iterable<unknown>, record: Record<string, unknown> | undefined, {brackets, margin, out}: {brackets: string; margin: string; out: Pending}): Generator<string> {
  const inner = `${margin} `
  const begin = brackets.slice(0, 1)
  let before = begin
  for (const item of items) {
    const value = record ? record[String(item)] : item
    out.text += before + inner + (record ? `${JSON.stringify(item)}: ` : '')
    before = ','
    // most are strings, and a generator for each would cost more than they do
    if (typeof value === 'string' && value.length < chunkLength) out.text += JSON.stringify(value)
    else yield* emit(value, inner, out)
    if (out.text.length >= chunkLength) {
      yield out.text
      out.text = ''
    }
  }
  out.text += before === begin ? brackets : margin + brackets.slice(1)
}

/** What JSON cannot say, NaN and infinities, becomes text instead of null. */
const scalar = (value: unknown): string => JSON.stringify(typeof value === 'number' && !Number.isFinite(value) ? String(value) : value)

function cellForFile(cell: Cell): unknown {
  const {trusted: _, ...metadata} = cell.metadata
  const common = {...cell, metadata, source: splitLines(cell.source)}
  if (cell.cell_type === 'code') return {...common, outputs: cell.outputs.map(outputForFile)}
  return cell.attachments === undefined ? common : {...common, attachments: Object.fromEntries(Object.entries(cell.attachments).map(([name, one]) => [name, bundleForFile(one)]))}
}

function outputForFile(output: Output): unknown {
  if (output.output_type === 'error') return output
  if (output.output_type === 'stream') return mapped(output, (key, value) => (key === 'text' ? dataForFile('text/plain', value) : value))
  return {...output, data: bundleForFile(output.data)}
}

const bundleForFile = (data: MimeBundle): unknown => mapped(data, dataForFile)

/** The data of a type as the file has it. */
export const dataForFile = (mime: string, value: unknown): unknown => (typeof value === 'string' && !isJson(mime) ? splitLines(value) : value)

/** An object with other values; those that are kept as they are written are not read. */
function mapped(of: object, change: (key: string, value: unknown) => unknown): Record<string, unknown> {
  return Object.fromEntries(Object.keys(of).map((key) => {
    const kept = keptOf(of, key)
    return [key, kept ? new Written(kept) : change(key, (of as Record<string, unknown>)[key])] // its own key
  }))
}
