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
  /** it reads what shells and magics may have changed: files, packages, the environment */
  outside?: boolean
  /** it reads IPython's record of results: `_`, `Out` */
  back?: boolean
}

export const opaque: Names = {uses: new Set(), writes: new Set(), sure: new Set(), opaque: true}

const history = /^(_{1,3}|_i{1,3}|_i?\d+|_[iod]h|In|Out)$/

/**
 * Of cells that belong together: what a function's body uses, its callers use; what is handed to a function that changes it, or has a method
 * called for its effect, is written. Modules are not.
 */
export function namesOf(cells: readonly PythonNames[]): Names[] {
  const carries = merged(cells.map((one) => one.carries))
  const effects = merged(cells.map((one) => one.effects))
  const imports = new Set(cells.flatMap((one) => [...one.imports]))
  const changers = new Set(cells.flatMap((one) => [...one.changers]))
  const methods = new Set(cells.flatMap((one) => [...one.methods]))
  const written = new Set(cells.flatMap((one) => [...one.writes]))
  const others = sameObjects(cells.flatMap((one) => one.aliases))
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
    const changed = new Set([...cell.changed, ...cell.receivers, ...cell.methodCalls.flatMap(({root, method}) => (methods.has(method) ? [root] : []))])
    for (const name of cell.settings) writes.add(name)
    for (const {name, given, bare} of cell.calls) {
      if (readers.has(name) || !(changers.has(name) || (bare && !builtins.has(name)))) continue
      for (const one of given) changed.add(one)
    }
    for (const name of changed) for (const one of others.get(name) ?? [name]) if (!imports.has(one)) writes.add(one)
    const uses = new Set(cell.uses)
    for (const name of touched) if (!own.has(name) && !cell.writes.has(name)) uses.add(name)
    const looksBack = [...cell.uses].some((name) => history.test(name) && !written.has(name))
    return {uses, writes, sure: cell.sure, opaque: cell.opaque, outside: cell.outside, back: looksBack}
  })
}

/** Of each name those that may be the same object, itself among them. */
function sameObjects(pairs: readonly (readonly [string, string])[]): Map<string, Set<string>> {
  const groups = new Map<string, Set<string>>()
  for (const [a, b] of pairs) {
    const group = new Set([...(groups.get(a) ?? [a]), ...(groups.get(b) ?? [b])])
    for (const name of group) groups.set(name, group)
  }
  return groups
}

function merged(maps: readonly Map<string, Set<string>>[]): Map<string, Set<string>> {
  const all = new Map<string, Set<string>>()
  for (const map of maps) for (const [name, values] of map) all.set(name, new Set([...(all.get(name) ?? []), ...values]))
  return all
}
