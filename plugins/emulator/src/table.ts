import {sanitizeLine} from '@cgpu/plugin-sdk'

/** Rows under titles, columns side by side, made harmless for a terminal. */
export function table(titles: readonly string[], rows: readonly (readonly string[])[]): string {
  const all = [titles, ...rows.map((row) => row.map((value) => sanitizeLine(value, 500)))]
  const widths = titles.map((_, column) => Math.max(...all.map((row) => row[column]?.length ?? 0)))
  return all.map((row) => row.map((value, column) => value.padEnd(widths[column] ?? 0)).join('  ').trimEnd()).join('\n')
}
