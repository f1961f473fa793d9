import {isDeepStrictEqual} from 'node:util'
import {type Cell, isRecord, type Output} from '../format/model.ts'
import {clean, marked, mergeText, mergeValues, type Three} from './three-way.ts'

export interface CellMerge {
  cell: Cell
  conflict: boolean
  /** paths at which ours was taken though theirs is different */
  ours: string[]
}

/** A cell that both sides have. `base` is undefined where both added it. */
export function mergeCell({base, ours, theirs}: {base: Cell | undefined; ours: Cell; theirs: Cell}): CellMerge {
  const source = base ? mergeText({base: base.source, ours: ours.source, theirs: theirs.source}) : bothAdded(ours.source, theirs.source)
  const [id, type] = (['id', 'cell_type'] as const).map((key) => clean({base: base?.[key], ours: ours[key], theirs: theirs[key]})?.value ?? ours[key])
  // unknown keys of a cell are merged as its metadata
  const rest = mergeValues({base: base && restOf(base), ours: restOf(ours), theirs: restOf(theirs)})
  const common = {...(isRecord(rest.value) ? rest.value : {}), id, cell_type: type, source: source.text}
  const cell = type === 'code' ? {...common, ...runOf({base, ours, theirs}, source.text)} : common
  return {cell: cell as Cell, conflict: source.conflict, ours: rest.ours} // the parts of valid cells, of the type that it has
}

/** One side deleted it and the other changed it: it stays, marked. */
export function keptCell(cell: Cell, side: 'ours' | 'theirs'): Cell {
  const source = side === 'ours' ? marked(cell.source, '') : marked('', cell.source)
  return cell.cell_type === 'code' ? {...cell, source, outputs: [], execution_count: null} : {...cell, source}
}

function bothAdded(ours: string, theirs: string): {text: string; conflict: boolean} {
  return ours === theirs ? {text: ours, conflict: false} : {text: marked(ours, theirs), conflict: true}
}

function restOf(cell: Cell): Record<string, unknown> {
  const {id: _, cell_type: __, source: ___, ...rest} = cell
  return Object.fromEntries(Object.entries(rest).filter(([key]) => key !== 'outputs' && key !== 'execution_count'))
}

interface Run {
  outputs: Output[]
  execution_count: number | null
}

/** Outputs and count belong to the source that made them: of the side whose source it is, ours where both are; of a source that nobody ran none. */
function runOf(three: {base: Cell | undefined; ours: Cell; theirs: Cell}, source: string): Run {
  const run = (cell: Cell | undefined): Run | undefined => (cell?.cell_type === 'code' ? {outputs: cell.outputs, execution_count: cell.execution_count} : undefined)
  const sides: Three<Run | undefined> = {base: run(three.base), ours: run(three.ours), theirs: run(three.theirs)}
  const [isOurs, isTheirs] = [three.ours.source === source, three.theirs.source === source]
  const none = {outputs: [], execution_count: null}
  if (isOurs && isTheirs) return (isDeepStrictEqual(sides.base, sides.ours) ? sides.theirs : sides.ours) ?? sides.ours ?? none
  return (isOurs ? sides.ours : isTheirs ? sides.theirs : undefined) ?? none
}
