import {createHash} from 'node:crypto'
import {parse} from 'yaml'
import {errors, sanitizeLine} from '@cgpu/plugin-sdk'
import {type Cell, isRecord, type Metadata, type Notebook} from '../../format/model.ts'
import type {Language} from '../../language.ts'
import {escaped, mapMagics, StringTracker, uncommented} from '../../script-lines.ts'
import {fenceAfter, isActive, markerIn, unescapeText} from './cells.ts'
import {parseMarker} from './marker.ts'

/** The notebook that a script in the percent format holds; a script without any marker is one cell. Throws PERCENT_HEADER (65) where its header is no YAML. */
export function percentNotebook(text: string, language: Language): Notebook {
  const lines = text.replace(/^\uFEFF/, '').replaceAll('\r\n', '\n').replace(/\n$/, '').split('\n')
  const {metadata, front, next} = header(lines, language)
  const cells: Cell[] = front === undefined ? [] : [{cell_type: 'raw', id: '', metadata: {}, source: front}]
  for (const piece of pieces(lines.slice(next), language)) cells.push(cellOf(piece, language))
  const used = new Set<string>()
  for (const [index, cell] of cells.entries()) {
    // the same text has the same ids again
    for (let salt = 0; cell.id === '' || used.has(cell.id); salt++) cell.id = createHash('sha256').update(`${index}\0${salt}\0${cell.source}`).digest('hex').slice(0, 8)
    used.add(cell.id)
  }
  return {cells, metadata, nbformat: 4, nbformat_minor: 5}
}

function header(lines: readonly string[], language: Language): {metadata: Metadata; front: string | undefined; next: number} {
  const metadata: Metadata = {}
  let at = 0
  while (at < 2 && /^#!|^\s*(#|\/\/|--).*coding[:=]/.test(lines[at] ?? '')) at++
  const read = (index: number): string | undefined => (lines[index]?.startsWith(language.comment) ? uncommented(lines[index], language) : undefined)
  let end = at + 1
  while (read(end) !== undefined && read(end)?.trimEnd() !== '---') end++
  if (read(at)?.trimEnd() !== '---' || read(end) === undefined) return {metadata: withLanguage(metadata, language), front: undefined, next: at}
  const yaml = Array.from({length: end - at - 1}, (_, index) => read(at + 1 + index) ?? '')
  const start = yaml.findIndex((line) => /^jupyter\s*:\s*$/.test(line))
  const after = start < 0 ? -1 : yaml.findIndex((line, index) => index > start && /^\S/.test(line))
  const own = start < 0 ? [] : yaml.slice(start, after < 0 ? undefined : after)
  const rest = yaml.filter((_, index) => start < 0 || index < start || (after >= 0 && index >= after))
  Object.assign(metadata, jupyterIn(own.join('\n')))
  const next = lines[end + 1]?.trim() === '' ? end + 2 : end + 1
  return {metadata: withLanguage(metadata, language), front: rest.length > 0 ? ['---', ...rest, '---'].join('\n') : undefined, next}
}

function jupyterIn(yaml: string): Metadata {
  let read: unknown
  try {
    read = parse(yaml)
  } catch (error) {
    throw errors.data(`the header of the script is no YAML: ${sanitizeLine(error instanceof Error ? error.message : String(error), 200)}`, {code: 'PERCENT_HEADER', category: 'file', fix: 'correct the lines between the dashes', cause: error})
  }
  const found = isRecord(read) && isRecord(read['jupyter']) ? read['jupyter'] : {}
  if (!isRecord(found['jupytext'])) return found
  const {text_representation: _, ...jupytext} = found['jupytext']
  const {jupytext: __, ...rest} = found
  return Object.keys(jupytext).length > 0 ? {...rest, jupytext} : rest
}

/** A notebook says its language; a script says it by its ending. */
const withLanguage = (metadata: Metadata, {name}: Language): Metadata => (isRecord(metadata['kernelspec']) ? metadata : {...metadata, language_info: {name}})

interface Piece {
  /** behind `%%`; undefined: what comes before the first marker */
  marker: string | undefined
  lines: string[]
}

function* pieces(lines: readonly string[], language: Language): Generator<Piece> {
  let piece: Piece = {marker: undefined, lines: []}
  let strings = new StringTracker(language)
  let fence: string | undefined
  for (const [index, line] of lines.entries()) {
    const marker = markerIn(line, language.comment)
    // a marker of our own counts also where a cell leaves a string or a fence open
    if (marker !== undefined && (/\scell_id="/.test(marker) || (!strings.within && fence === undefined))) {
      if (piece.marker !== undefined || piece.lines.some((one) => one.trim() !== '')) yield trimmed(piece)
      piece = {marker, lines: []}
      strings = new StringTracker(language)
      fence = undefined
      continue
    }
    piece.lines.push(line)
    strings.read(line)
    if (/\[(markdown|md|raw)\]/.test(piece.marker ?? '')) fence = fenceAfter(uncommented(line, language), fence, (opened) => lines.slice(index + 1).some((other) => uncommented(other, language).trim() === opened))
  }
  if (piece.marker !== undefined || piece.lines.some((one) => one.trim() !== '')) yield trimmed(piece)
}

/** Without the blank lines that part cells: two, or one. */
function trimmed({marker, lines}: Piece): Piece {
  const two = lines.length > 1 && lines.slice(-2).every((line) => line.trim() === '')
  return {marker, lines: two ? lines.slice(0, -2) : lines.at(-1) === '' ? lines.slice(0, -1) : lines}
}

function cellOf({marker, lines}: Piece, language: Language): Cell {
  const {title, type, metadata: {cell_id: id, ...metadata}} = parseMarker(marker ?? '')
  if (title !== '') metadata['title'] = title
  const common = {id: typeof id === 'string' && /^[\w-]{1,64}$/.test(id) ? id : '', metadata}
  const extension = language.extension.slice(1)
  if (type !== 'code' || !isActive(metadata, 'ipynb')) {
    // a raw cell with active="py" is code for scripts
    const plain = type === 'code' && isActive(metadata, extension)
    if (metadata['active'] === '') delete metadata['active']
    const text = quoted(lines) ?? (plain ? lines : textLines(lines, language))
    return {cell_type: type === 'code' ? 'raw' : type, ...common, source: text.join('\n')}
  }
  const {language: other, magic_args: args, ...rest} = metadata
  if (typeof other === 'string' && other !== language.name) {
    const first = `%%${other}${typeof args === 'string' && args !== '' ? ` ${args}` : ''}`
    return {cell_type: 'code', id: common.id, metadata: rest, source: [first, ...textLines(lines, language)].join('\n'), execution_count: null, outputs: []}
  }
  const source = isActive(metadata, extension) ? withMarkers(mapMagics(lines, language, (line, continues) => uncommentedLine(line, continues, language)), language) : textLines(lines, language)
  return {cell_type: 'code', ...common, source: source.join('\n'), execution_count: null, outputs: []}
}

const textLines = (lines: readonly string[], language: Language): string[] => unescapeText(lines.map((line) => uncommented(line, language)))

function uncommentedLine(line: string, continues: boolean, language: Language): string {
  const indent = continues ? '' : (/^\s*/.exec(line)?.[0] ?? '')
  return indent + uncommented(line.slice(indent.length), language)
}

/** Takes away the sign that was put before a comment which would have begun a cell. */
function withMarkers(lines: readonly string[], language: Language): string[] {
  const strings = new StringTracker(language)
  const sign = escaped(language.comment)
  const marked = new RegExp(`^\\s*${sign} (?:${sign} )*${sign}\\s*%%(\\s|%|$)`)
  return lines.map((line) => {
    const found = !strings.within && marked.test(line)
    strings.read(line)
    return found ? uncommentedLine(line, false, language) : line
  })
}

/** Text cells may be a string with three quotes instead of comments. */
function quoted(lines: readonly string[]): string[] | undefined {
  const text = lines.join('\n').trim()
  const [, , body] = /^[rR]?("""|''')([\s\S]*)\1$/.exec(text) ?? []
  return body?.replace(/^\n/, '').replace(/\n$/, '').split('\n')
}
