import {errors, sanitizeLine} from '@cgpu/plugin-sdk'
import {type Axis, invalidSweep, parseAxes} from './axes.ts'
import {type ParameterSet, readMatrix} from './matrix.ts'

/** More is a mistake, or too much for one command. */
export const mostRuns = 10_000

/**
 * The parameter sets of a sweep: every row of the matrices with every combination of the grid, the last axis changing first.
 * One empty set where there is no sweep. Throws INVALID_SWEEP, TOO_MANY_RUNS (64) and what `readMatrix` does.
 */
export async function parameterSets(grid: readonly string[], matrix: readonly string[]): Promise<ParameterSet[]> {
  const axes = grid.flatMap((text) => parseAxes(text, '--grid'))
  const rows = matrix.length === 0 ? [{}] : (await Promise.all(matrix.map(readMatrix))).flat()
  refuseTwice(axes, rows)
  refuseTooMany(axes.reduce((count, {values}) => count * values.length, rows.length))
  return axes.reduce<ParameterSet[]>((sets, {name, values}) => sets.flatMap((set) => values.map((value) => ({...set, [name]: value}))), rows)
}

export function refuseTooMany(count: number): void {
  if (count > mostRuns) throw errors.usage(`that would be ${count} runs, and one command takes ${mostRuns}`, {code: 'TOO_MANY_RUNS', fix: 'leave values out, or give them to several commands'})
}

function refuseTwice(axes: readonly Axis[], rows: readonly ParameterSet[]): void {
  const names = axes.map(({name}) => name)
  const twice = names.find((name, at) => names.indexOf(name) !== at) ?? names.find((name) => rows.some((row) => Object.hasOwn(row, name)))
  if (twice !== undefined) throw invalidSweep('--grid', `${sanitizeLine(twice, 60)} is given twice`)
}
