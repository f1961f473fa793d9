import type {PythonNames} from './python-names.ts'
import {builtins, readers} from './builtins.ts'

/** What a cell needs and leaves behind, by the names of the notebook. */
export interface Names {
  uses: ReadonlySet<string>
  writes: ReadonlySet<string>
  /** of those: assigned whatever happens */
  sure: ReadonlySet<string>
  /** it may use and write any */
  opaque: boolean
}

export const opaque: Names = {uses: new Set(), writes: new Set(), sure: new Set(), opaque: true}

/**
 * Of cells that belong together: what a function's body uses, its callers use; what is handed to a function that changes it, or has a method
 * called for its effect, is written. Modules are not.
 */
export function namesOf(cells: readonly PythonNames[]): Names[] {
  const carries = merged(cells.map((one) => one.carries))
  const effects = merged(cells.map((one) => one.effects))
  const imports = new Set(cells.flatMap((one) => [...one.imports]))
  const changers = new Set(cells.flatMap((one) => [...one.changers]))
  const known = new Map<string, Set<string>>()
  const along = (name: string): Set<string> => {
    const before = known.get(name)
    if (before) return before
    const all = new Set([name])
    for (const one of all) for (const more of carries.get(one) ?? []) all.add(more)
    known.set(name, all)
    return all
  }
  return cells.map((cell) => {
    const own = new Set([...cell.uses, ...cell.calls.map(({name}) => name)])
    const touched = new Set([...own].flatMap((name) => [...along(name)]))
    const writes = new Set(cell.writes)
    for (const name of touched) for (const one of effects.get(name) ?? []) writes.add(one)
    for (const name of cell.receivers) if (!imports.has(name)) writes.add(name)
    for (const name of cell.settings) writes.add(name)
    for (const {name, given, bare} of cell.calls) {
      if (readers.has(name) || !(changers.has(name) || (bare && !builtins.has(name)))) continue
      for (const one of given) if (!imports.has(one)) writes.add(one)
    }
    const uses = new Set(cell.uses)
    for (const name of touched) if (!own.has(name) && !cell.writes.has(name)) uses.add(name)
    return {uses, writes, sure: cell.sure, opaque: cell.opaque}
  })
}

function merged(maps: readonly Map<string, Set<string>>[]): Map<string, Set<string>> {
  const all = new Map<string, Set<string>>()
  for (const map of maps) for (const [name, values] of map) all.set(name, new Set([...(all.get(name) ?? []), ...values]))
  return all
}
