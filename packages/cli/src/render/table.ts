import {sanitizeLine} from '@cgpu/core/text/line'
import {displayWidth, isLively, style, truncate, type Env} from './terminal.ts'

export interface Column<Row> {
  title: string
  value: (row: Row) => string
  align?: 'left' | 'right'
  /** may be cut when the terminal is narrow; default: the last column */
  flexible?: boolean
}

export interface TableOptions {
  /** columns of the terminal; undefined: nothing is cut (a pipe or a file) */
  width?: number | undefined
  colour?: boolean
}

/** How stdout wants its tables. */
export function tableOptions(stream: {isTTY?: boolean; columns?: number} = process.stdout, env: Env = process.env): TableOptions {
  return {width: stream.isTTY ? stream.columns : undefined, colour: isLively(stream, env)}
}

const gap = '  '

/** Rows under titles, as lines without a newline at the end. Values are made harmless for a terminal here. */
export function table<Row>(rows: readonly Row[], columns: readonly Column<Row>[], options: TableOptions = tableOptions()): string {
  const cells = rows.map((row) => columns.map(({value}) => sanitizeLine(value(row), 2000)))
  const widths = columns.map(({title}, i) => Math.max(displayWidth(title), ...cells.map((line) => displayWidth(line[i] ?? ''))))
  if (options.width !== undefined) shrink(widths, columns, options.width)
  const line = (values: readonly string[]): string =>
    values.map((value, i) => pad(truncate(value, widths[i] ?? 0), widths[i] ?? 0, columns[i]?.align, i === values.length - 1)).join(gap).trimEnd()
  const head = line(columns.map(({title}) => title))
  return [style(head, 'dim', options.colour ?? false), ...cells.map(line)].join('\n')
}

function pad(text: string, width: number, align: 'left' | 'right' = 'left', last: boolean): string {
  const space = ' '.repeat(Math.max(0, width - displayWidth(text)))
  return align === 'right' ? space + text : last ? text : text + space
}

/** Takes the excess from the flexible columns, the widest first, never below what its title needs. */
function shrink(widths: number[], columns: readonly Column<never>[], available: number): void {
  const marked = columns.flatMap(({flexible}, i) => (flexible ? [i] : []))
  const flexible = marked.length > 0 ? marked : [columns.length - 1]
  let excess = widths.reduce((sum, width) => sum + width, gap.length * (columns.length - 1)) - available
  while (excess > 0) {
    const widest = flexible.toSorted((a, b) => (widths[b] ?? 0) - (widths[a] ?? 0))[0]
    const width = widest === undefined ? 0 : (widths[widest] ?? 0)
    const least = Math.max(4, displayWidth(columns[widest ?? 0]?.title ?? ''))
    if (widest === undefined || width <= least) return
    widths[widest] = width - 1
    excess--
  }
}
