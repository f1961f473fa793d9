import {diff3Merge} from 'node-diff3'
import type {Three} from './three-way.ts'

/**
 * The order of cells after a merge, each by its key, once: changes of order that do not touch each other are both done; else ours counts,
 * and what only theirs has comes behind what it follows there. `wanted` are those that are left.
 */
export function mergeOrder({base, ours, theirs}: Three<string[]>, wanted: ReadonlySet<string>): string[] {
  const order = new Set<string>()
  const add = (keys: readonly string[]): void => keys.forEach((key) => wanted.has(key) && order.add(key))
  for (const block of diff3Merge(ours, base, theirs, {excludeFalseConflicts: true})) {
    if (block.ok) add(block.ok)
    else if (block.conflict) add([...block.conflict.a, ...block.conflict.b])
  }
  const all = [...order]
  // moved by one side and deleted by the other, or moved by both: nobody's block has it any more
  for (const list of [ours, theirs, base]) {
    list.forEach((key, at) => {
      if (!wanted.has(key) || all.includes(key)) return
      const before = list.slice(0, at).findLast((one) => all.includes(one))
      all.splice(before === undefined ? 0 : all.indexOf(before) + 1, 0, key)
    })
  }
  return all
}
