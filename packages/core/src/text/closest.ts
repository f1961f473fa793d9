/**
 * Damerau-Levenshtein distance (optimal string alignment): insertions, deletions, substitutions and swaps of
 * neighbours, each 1. Counts UTF-16 units.
 */
export function distance(a: string, b: string): number {
  let before: number[] = []
  let last = Array.from({length: b.length + 1}, (_, j) => j)
  for (let i = 1; i <= a.length; i++) {
    const row = [i]
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1]
      let best = Math.min(at(last, j) + 1, at(row, j - 1) + 1, at(last, j - 1) + (same ? 0 : 1))
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) best = Math.min(best, at(before, j - 2) + 1)
      row.push(best)
    }
    before = last
    last = row
  }
  return at(last, b.length)
}

const at = (row: number[], index: number): number => row[index] ?? Infinity

/**
 * The candidate that was most likely meant, for a did-you-mean: case is ignored, a candidate that starts with the
 * input wins, and otherwise about one mistake in three characters is forgiven. Undefined when nothing is near.
 */
export function closest(input: string, candidates: Iterable<string>): string | undefined {
  const wanted = input.toLowerCase().slice(0, 100)
  if (wanted === '') return undefined
  let best: string | undefined
  let bestScore = Math.max(1, Math.floor(wanted.length / 3)) + 1
  for (const candidate of candidates) {
    const name = candidate.toLowerCase()
    const score = wanted.length >= 3 && name.startsWith(wanted) ? 0.5 : Math.abs(name.length - wanted.length) >= bestScore ? Infinity : distance(wanted, name)
    if (score < bestScore) [best, bestScore] = [candidate, score]
  }
  return best
}

/** `did you mean "trainer"?`, or undefined. */
export function didYouMean(input: string, candidates: Iterable<string>): string | undefined {
  const found = closest(input, candidates)
  return found === undefined ? undefined : `did you mean "${found}"?`
}
