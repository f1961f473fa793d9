import {table} from './table.ts'

const named: Record<string, string> = {amp: '&', lt: '<', gt: '>', quot: '"', apos: "'", nbsp: ' ', hellip: '…', times: '×', ndash: '-', mdash: '-'}

function decode(text: string): string {
  return text.replace(/&(?:#(\d{1,7})|#[xX]([\da-fA-F]{1,6})|([a-zA-Z]{2,10}));/g, (whole, decimal?: string, hex?: string, name?: string) => {
    if (name !== undefined) return named[name] ?? whole
    const code = decimal === undefined ? Number.parseInt(hex ?? '', 16) : Number(decimal)
    return code <= 0x10ffff && code > 0 ? String.fromCodePoint(code) : '\ufffd'
  })
}

const invisible = /<!--[\s\S]*?(?:-->|$)|<(style|script|head|template)\b[\s\S]*?(?:<\/\1\s*>|$)/gi

/** The text of a piece of HTML: tags gone, entities decoded, white space collapsed. */
function textOf(html: string): string {
  return decode(html.replace(/<br\s*\/?>/gi, ' ').replace(/<[^>]*>/g, '')).replace(/\s+/g, ' ').trim()
}

function tableText(html: string): string {
  const rows = [...html.matchAll(/<tr\b[^>]*>([\s\S]*?)(?=<tr\b|<\/tr>|<\/table>|$)/gi)].map(([, row = '']) =>
    [...row.matchAll(/<t([hd])\b([^>]*)>([\s\S]*?)(?=<t[hd]\b|<\/t[hd]>|$)/gi)].flatMap(([, , attributes = '', cell = '']) => {
      const span = Math.min(50, Number(/colspan\s*=\s*["']?(\d+)/i.exec(attributes)?.[1] ?? 1) || 1)
      return [textOf(cell), ...Array.from({length: span - 1}, () => '')]
    }))
  const filled = rows.filter((row) => row.length > 0)
  return filled.length === 0 ? '' : table(filled[0] ?? [], filled.slice(1))
}

/** HTML, such as a DataFrame, as text with its tables as columns. For reading; nothing of it is executed or loaded. */
export function htmlToText(html: string): string {
  const visible = html.slice(0, 2_000_000).replace(invisible, '')
  const parts = visible.split(/(<table\b[\s\S]*?(?:<\/table\s*>|$))/i)
  return parts
    .map((part) => {
      if (/^<table\b/i.test(part)) return tableText(part)
      return part.replace(/<\/(?:p|div|h\d|li|ul|ol|pre)\s*>|<br\s*\/?>/gi, '\n').split('\n').map(textOf).filter(Boolean).join('\n')
    })
    .filter(Boolean)
    .join('\n')
}
