import {errors, sanitizeLine} from '@cgpu/plugin-sdk'
import {stringify} from 'yaml'
import {type Cell, isRecord, type Metadata, type Notebook} from '../../format/model.ts'
import {type Language, languageName, languageOf} from '../../language.ts'
import {commented, escaped, mapMagics, StringTracker} from '../../script-lines.ts'
import {cellMagic, escapeText, isActive, markerIn, splitMetadata} from './cells.ts'
import {isTitle, markerText} from './marker.ts'

/**
 * The notebook as a script in jupytext's percent format: text and magics are comments, each cell has a line `# %%` with its metadata and,
 * as `cell_id`, its id. Outputs are not in it. Throws SCRIPT_LANGUAGE (64).
 */
export function percentText(notebook: Notebook): string {
  const language = languageOf(notebook)
  if (!language) throw noLanguage(languageName(notebook))
  const {cells, front} = withoutFront(notebook.cells)
  const lines = [...header(notebook.metadata, front, language)]
  for (const [index, cell] of cells.entries()) {
    const text = cellLines(cell, language)
    // where a cell ends with blank lines, two more tell them from those that part cells
    const own = cell.source !== '' && /(^|\n)\s*$/.test(cell.source)
    lines.push(...text, ...(own ? ['', ''] : index < cells.length - 1 ? [''] : []))
  }
  return `${lines.join('\n')}\n`
}

export function noLanguage(name: string) {
  return errors.usage(`cgpu does not know how scripts in ${sanitizeLine(name, 40)} are written`, {code: 'SCRIPT_LANGUAGE', fix: 'export it to md or html'})
}

/** A first cell that is YAML between lines of dashes becomes part of the header. */
function withoutFront(cells: readonly Cell[]): {cells: readonly Cell[]; front: string[]} {
  const [first] = cells
  const found = first?.cell_type === 'raw' ? /^---\n([\s\S]*?)\n---$/.exec(first.source.trim()) : null
  return found ? {cells: cells.slice(1), front: (found[1] ?? '').split('\n')} : {cells, front: []}
}

function header(metadata: Metadata, front: string[], language: Language): string[] {
  const own = isRecord(metadata['jupytext']) ? metadata['jupytext'] : {}
  const jupyter: Metadata = {
    jupytext: {...own, text_representation: {extension: language.extension, format_name: 'percent', format_version: '1.3'}},
    ...(isRecord(metadata['kernelspec']) ? {kernelspec: metadata['kernelspec']} : {}),
  }
  const yaml = stringify({jupyter}, {sortMapEntries: true, lineWidth: 0}).trimEnd().split('\n')
  return [...commented(['---', ...front, ...yaml, '---'], language), '']
}

function cellLines(cell: Cell, language: Language): string[] {
  const {carried: metadata} = splitMetadata(cell.metadata)
  let title = ''
  if (isTitle(metadata['title'])) {
    title = metadata['title']
    delete metadata['title']
  }
  metadata['cell_id'] ??= cell.id
  if (cell.cell_type !== 'code') {
    const text = escapeText(cell.source.split('\n'))
    return [`${language.comment} ${markerText({title, type: cell.cell_type, metadata})}`, ...commented(text, language)]
  }
  const magic = language.name === 'python' ? cellMagic(cell.source) : undefined
  if (magic) {
    const {cell_id: id, ...others} = metadata
    const told = {...others, ...(magic.args === '' ? {} : {magic_args: magic.args}), language: magic.language, cell_id: id}
    return [`${language.comment} ${markerText({title, type: 'code', metadata: told})}`, ...(magic.body === '' ? [] : commented(escapeText(magic.body.split('\n')), language))]
  }
  const lines = cell.source === '' ? [] : cell.source.split('\n')
  const body = isActive(metadata, language.extension.slice(1)) ? withoutMarkers(mapMagics(lines, language, (line, continues) => commentedLine(line, continues, language)), language) : commented(escapeText(lines), language)
  return [`${language.comment} ${markerText({title, type: 'code', metadata})}`, ...body]
}

function commentedLine(line: string, continues: boolean, {comment}: Language): string {
  const indent = continues ? '' : (/^\s*/.exec(line)?.[0] ?? '')
  return `${indent}${comment} ${line.slice(indent.length)}`
}

/** A line of the code that would begin a cell gets another comment sign. */
function withoutMarkers(lines: readonly string[], language: Language): string[] {
  const strings = new StringTracker(language)
  return lines.map((line) => {
    const safe = !strings.within && markerIn(line.replace(new RegExp(`^(\\s*)(?:${escaped(language.comment)} )*(?=${escaped(language.comment)})`), '$1'), language.comment) !== undefined
    strings.read(line)
    return safe ? commentedLine(line, false, language) : line
  })
}
