import type {CodeCell, Notebook} from '../format/model.ts'
import {tagsOf} from '../format/model.ts'
import {hashOf, isFinished, recordOf} from './record.ts'

/** A cell of the executed copy. */
export interface Executed {
  cell: CodeCell
  /** among the copy's code cells */
  position: number
  state: 'finished' | 'failed' | 'unfinished'
  /** of the source that ran; undefined: it cannot be told */
  hash: string | undefined
  kernel: string | undefined
  count: number | undefined
}

export interface Pairing {
  /** by the id of the notebook's cell */
  of: Map<string, Executed>
  gone: Executed[]
}

/** The cells of the copy that have run, or begun to. `same`: the copy is the notebook itself, whose sources may have been edited since. */
export function executedCells(copy: Notebook, {same}: {same: boolean}): Executed[] {
  return copy.cells.filter((cell) => cell.cell_type === 'code').flatMap((cell, position): Executed[] => {
    const record = recordOf(cell)
    if (record) {
      const {hash, status, kernel, count} = record
      return [{cell, position, hash, kernel, count, state: isFinished(record) ? 'finished' : status === 'begun' || status === 'interrupted' || status === 'lost' ? 'unfinished' : 'failed'}]
    }
    // another program's copy: what has a count ran, what has an error failed
    if (cell.execution_count === null) return []
    const failed = cell.outputs.some(({output_type: type}) => type === 'error') && !tagsOf(cell).includes('raises-exception')
    return [{cell, position, hash: same ? undefined : hashOf(cell.source), kernel: undefined, count: undefined, state: failed ? 'failed' : 'finished'}]
  })
}

/** Which cell of the copy is which of the notebook: by their ids, or, where ids are made from places, by their sources; in the same order. */
export function pair(cells: readonly CodeCell[], executed: readonly Executed[]): Pairing {
  const byId = new Map(executed.map((one) => [one.cell.id, one]))
  const left = new Set(executed)
  const candidates = cells.map((cell) => {
    const found = byId.get(cell.id)
    if (found) left.delete(found)
    return found
  })
  cells.forEach((cell, at) => {
    if (candidates[at]) return
    const hash = hashOf(cell.source)
    const found = [...left].find((one) => one.hash === hash) ?? [...left].find(({position}) => position === at)
    if (!found) return
    candidates[at] = found
    left.delete(found)
  })
  const of = new Map<string, Executed>()
  const gone = [...left]
  let last = -1
  candidates.forEach((one, at) => {
    const cell = cells[at]
    if (!one || !cell) return
    // one that was moved up is a new one, and its old place is empty
    if (one.position > last) {
      last = one.position
      of.set(cell.id, one)
    } else gone.push(one)
  })
  return {of, gone}
}

/** The copy's result in place of what the notebook has. */
export function takeOver(cell: CodeCell, {cell: from}: Executed): void {
  cell.outputs = from.outputs
  cell.execution_count = from.execution_count
  for (const key of ['cgpu', 'execution'] as const) {
    if (from.metadata[key] === undefined) delete cell.metadata[key]
    else cell.metadata[key] = from.metadata[key]
  }
}
