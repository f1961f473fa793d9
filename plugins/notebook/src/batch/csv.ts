/** Rows of CSV as RFC 4180 has it: fields in quotes may hold commas, newlines and doubled quotes. Undefined: a quote is not closed. */
export function parseCsv(text: string): string[][] | undefined {
  const field = /(?:"((?:[^"]|"")*)"|([^,\r\n"]*))(,|\r?\n|\r|$)/y
  const rows: string[][] = []
  let row: string[] = []
  const source = text.replace(/^\uFEFF/, '')
  while (field.lastIndex < source.length || row.length > 0) {
    const found = field.exec(source)
    if (!found) return undefined
    const [, quoted, bare = '', end] = found
    row.push(quoted?.replaceAll('""', '"') ?? bare)
    if (end === ',') continue
    // an empty line is no row
    if (row.length > 1 || row[0] !== '') rows.push(row)
    row = []
  }
  return rows
}
