import {sanitizeLine} from '@cgpu/core/text/line'
import {displayWidth, isLively, style, truncate, type Env} from './terminal.ts'

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

/**
 * Rows under titles, as lines without a newline at the end; where the terminal is narrower, the widest columns are cut. Without
 * titles they are facts, and nothing of them is cut: a path is to be copied whole. Values are made harmless for a terminal here.
 */
export function table(titles: readonly string[], rows: readonly (readonly string[])[], options: TableOptions = tableOptions()): string {
  const cells = rows.map((row) => row.map((value) => sanitizeLine(value, 2000)))
  const count = Math.max(titles.length, ...cells.map((row) => row.length))
  const widths = Array.from({length: count}, (_, i) => Math.max(...[titles, ...cells].map((row) => displayWidth(row[i] ?? ''))))
  if (options.width !== undefined && titles.length > 0) shrink(widths, titles, options.width)
  const line = (values: readonly string[]): string =>
    widths.map((width, i) => pad(truncate(values[i] ?? '', width), i === count - 1 ? 0 : width)).join(gap).trimEnd()
  const head = titles.length > 0 ? [style(line(titles), 'dim', options.colour ?? false)] : []
  return [...head, ...cells.map(line)].join('\n')
}

const pad = (text: string, width: number): string => text + ' '.repeat(Math.max(0, width - displayWidth(text)))

/** Takes the excess from the widest column, step by step, never below what its title needs. */
function shrink(widths: number[], titles: readonly string[], available: number): void {
  let excess = widths.reduce((sum, width) => sum + width, gap.length * (widths.length - 1)) - available
  for (; excess > 0; excess--) {
    const room = widths.map((width, i) => width - Math.max(8, displayWidth(titles[i] ?? '')))
    const most = Math.max(...room)
    if (most <= 0) return
    const widest = widths.reduce((best, width, i) => (room[i]! > 0 && (best < 0 || width > widths[best]!) ? i : best), -1)
    widths[widest]!--
  }
}
