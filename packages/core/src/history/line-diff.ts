export interface DiffLine {
  /** ' ' in both, '-' only in the first, '+' only in the second, '@' some that are in both were left out */
  mark: ' ' | '-' | '+' | '@'
  text: string
}

const context = 3
/** A table with more cells is not worth it: what is left is then shown as replaced whole. */
const maxCells = 4_000_000

/** The shortest way from one list of lines to the other, with a little of what surrounds each change. */
export function lineDiff(a: readonly string[], b: readonly string[]): DiffLine[] {
  let head = 0
  while (head < a.length && head < b.length && a[head] === b[head]) head++
  let tail = 0
  while (tail < a.length - head && tail < b.length - head && a[a.length - 1 - tail] === b[b.length - 1 - tail]) tail++
  const same = (texts: readonly string[]): DiffLine[] => texts.map(text => ({mark: ' ', text}))
  const middle = changes(a.slice(head, a.length - tail), b.slice(head, b.length - tail))
  return folded([...same(a.slice(0, head)), ...middle, ...same(a.slice(a.length - tail))])
}

/** By the longest common subsequence. */
function changes(a: readonly string[], b: readonly string[]): DiffLine[] {
  const width = b.length + 1
  const out: DiffLine[] = []
  let [i, j] = [0, 0]
  if ((a.length + 1) * width <= maxCells) {
    const lengths = new Uint32Array((a.length + 1) * width)
    const at = (row: number, column: number): number => lengths[row * width + column] ?? 0
    for (let row = a.length - 1; row >= 0; row--) {
      for (let column = b.length - 1; column >= 0; column--) {
        lengths[row * width + column] = a[row] === b[column] ? at(row + 1, column + 1) + 1 : Math.max(at(row + 1, column), at(row, column + 1))
      }
    }
    while (i < a.length && j < b.length) {
      if (a[i] === b[j]) {
        out.push({mark: ' ', text: a[i++] ?? ''})
        j++
      } else if (at(i + 1, j) >= at(i, j + 1)) out.push({mark: '-', text: a[i++] ?? ''})
      else out.push({mark: '+', text: b[j++] ?? ''})
    }
  }
  for (const text of a.slice(i)) out.push({mark: '-', text})
  for (const text of b.slice(j)) out.push({mark: '+', text})
  return out
}

/** Long stretches without a change become one `@` line that says how many there are. */
function folded(lines: readonly DiffLine[]): DiffLine[] {
  const near = lines.map(() => false)
  for (const [i, {mark}] of lines.entries()) {
    if (mark === ' ') continue
    for (let k = Math.max(0, i - context); k <= Math.min(lines.length - 1, i + context); k++) near[k] = true
  }
  const out: DiffLine[] = []
  let skipped = 0
  const close = (): void => {
    if (skipped > 0) out.push({mark: '@', text: `${skipped} lines alike`})
    skipped = 0
  }
  for (const [i, line] of lines.entries()) {
    if (!near[i]) {
      skipped++
      continue
    }
    close()
    out.push(line)
  }
  close()
  return out
}
