/** How far a number may be from the committed one: at most `absolute`, plus `relative` times the committed one. */
export interface Tolerance {
  relative: number
  absolute: number
}

/** Numbers that stand for themselves; those within a name, as the 1 of x1, are text. */
const number = /(?<![\w.])[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?(?![\w.]*\.\d)/g

export const close = (actual: number, committed: number, {relative, absolute}: Tolerance): boolean => Math.abs(actual - committed) <= absolute + relative * Math.abs(committed)

/** Whether texts are the same but for numbers within the tolerance, and for the space that numbers of another length need. */
export function sameText(actual: string, committed: string, tolerance: Tolerance): boolean {
  if (actual === committed) return true
  if (tolerance.relative === 0 && tolerance.absolute === 0) return false
  const [a, b] = [split(actual), split(committed)]
  return a.numbers.length === b.numbers.length && a.rest === b.rest && a.numbers.every((value, at) => value === b.numbers[at] || close(Number(value), Number(b.numbers[at]), tolerance))
}

function split(text: string): {numbers: string[]; rest: string} {
  const numbers: string[] = []
  const rest = text.replaceAll(number, (match) => {
    numbers.push(match)
    return '#'
  })
  return {numbers, rest: rest.replaceAll(/[ \t]+/g, ' ').replaceAll(/(?<=[[(]) | $/gm, '')}
}

/** The same for JSON values: numbers wherever they are. */
export function sameValue(actual: unknown, committed: unknown, tolerance: Tolerance): boolean {
  if (typeof actual === 'number' && typeof committed === 'number') return actual === committed || close(actual, committed, tolerance)
  if (Array.isArray(actual) && Array.isArray(committed)) return actual.length === committed.length && actual.every((one, at) => sameValue(one, committed[at], tolerance))
  if (typeof actual === 'object' && typeof committed === 'object' && actual !== null && committed !== null && !Array.isArray(actual) && !Array.isArray(committed)) {
    const [a, b] = [new Map(Object.entries(actual)), new Map(Object.entries(committed))]
    return a.size === b.size && [...a].every(([key, value]) => b.has(key) && sameValue(value, b.get(key), tolerance))
  }
  return actual === committed
}
