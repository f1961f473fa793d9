import {table} from './table.ts'

const named: Record<string, string> = {amp: '&', lt: '<', gt: '>', quot: '"', apos: "'", nbsp: ' ', hellip: '…', times: '×', ndash: '-', mdash: '-'}

function decode(text: string): string {
  return text.replace(/&(?:#(\d{1,7})|#[xX]([\da-fA-F]{1,6})|([a-zA-Z]{2,10}));/g, (whole, decimal?: string, hex?: string, name?: string) => {
    if (name !== undefined) return named[name] ?? whole
    const code = decimal === undefined ? Number.parseInt(hex ?? '', 16) : Number(decimal)
    return code <= 0x10ffff && code > 0 ? String.fromCodePoint(code) : '\ufffd'
  })
}

/** Elements whose content is not for reading. */
const hidden = new Set(['style', 'script', 'head', 'template', 'title'])
const blocks = new Set(['p', 'div', 'h1', 'h2', 'h3', 'h4', 'h5', 'h6', 'li', 'ul', 'ol', 'pre', 'br', 'hr', 'dl', 'dt', 'dd'])
/** A tag or a comment, closed or cut off; each try ends at the next `<`, so that hostile input costs linear time. */
const tag = /<(?:!--|(\/?)([a-zA-Z][a-zA-Z0-9]*)([^<>]*)(>?))/g
const maxLength = 2_000_000
const maxCells = 100_000

interface Reader {
  lines: string[]
  text: string
  rows: string[][] | undefined
  /** where the cell being read stands in the last row; a wide one has empty cells behind it */
  cell: number | undefined
}

const collapse = (text: string): string => decode(text).replace(/\s+/g, ' ').trim()

function endCell(reader: Reader): void {
  const row = reader.rows?.at(-1)
  if (reader.cell !== undefined && row) row[reader.cell] = collapse(reader.text)
  reader.cell = undefined
  reader.text = ''
}

function endLine(reader: Reader): void {
  const line = collapse(reader.text)
  if (line !== '') reader.lines.push(line)
  reader.text = ''
}

function endTable(reader: Reader): void {
  endCell(reader)
  const rows = (reader.rows ?? []).filter((row) => row.length > 0)
  if (rows.length > 0) reader.lines.push(table(rows[0] ?? [], rows.slice(1), {}))
  reader.rows = undefined
}

function open(reader: Reader, name: string, attributes: string): void {
  const {rows} = reader
  if (name === 'table' && rows === undefined) {
    endLine(reader)
    reader.rows = []
  } else if (rows !== undefined && name === 'tr') {
    endCell(reader)
    rows.push([])
  } else if (rows !== undefined && (name === 'td' || name === 'th')) {
    endCell(reader)
    if (rows.length === 0) rows.push([])
    const span = Math.min(50, Number(/colspan\s*=\s*["']?(\d{1,3})/i.exec(attributes)?.[1] ?? 1) || 1)
    const row = rows.at(-1) ?? []
    reader.cell = row.length
    row.push(...Array.from({length: span}, () => ''))
  } else if (rows !== undefined) reader.text += blocks.has(name) ? ' ' : ''
  else if (blocks.has(name)) endLine(reader)
}

function close(reader: Reader, name: string): void {
  if (reader.rows === undefined) {
    if (blocks.has(name)) endLine(reader)
  } else if (name === 'table') endTable(reader)
  else if (name === 'td' || name === 'th' || name === 'tr') endCell(reader)
}

/** HTML, such as a styled DataFrame, as text with its tables as columns. For reading; nothing of it is executed or loaded. */
export function htmlToText(html: string): string {
  const source = html.slice(0, maxLength)
  const lower = source.toLowerCase()
  const reader: Reader = {lines: [], text: '', rows: undefined, cell: undefined}
  let at = 0
  let cells = 0
  tag.lastIndex = 0
  for (let found = tag.exec(source); found !== null && cells < maxCells; found = tag.exec(source)) {
    const [whole, slash, rawName, attributes = ''] = found
    reader.text += source.slice(at, found.index)
    at = found.index + whole.length
    const name = rawName?.toLowerCase()
    if (name === undefined || (hidden.has(name) && slash === '')) {
      // a comment or hidden element ends where it is closed, else never
      const end = name === undefined ? source.indexOf('-->', at) : lower.indexOf(`</${name}`, at)
      if (end === -1) at = source.length
      else at = name === undefined ? end + 3 : end
      tag.lastIndex = at
    } else if (slash === '/') close(reader, name)
    else {
      if (name === 'td' || name === 'th') cells++
      open(reader, name, attributes)
    }
  }
  reader.text += source.slice(at)
  if (reader.rows !== undefined) endTable(reader)
  else endLine(reader)
  return reader.lines.join('\n')
}
