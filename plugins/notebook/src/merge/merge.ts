import {createHash} from 'node:crypto'
import {isDeepStrictEqual} from 'node:util'
import {matchCells} from '../compare/match.ts'
import {type Cell, isRecord, type Notebook} from '../format/model.ts'
import {keptCell, mergeCell} from './merge-cell.ts'
import {mergeOrder} from './order.ts'
import {mergeValues, type Three} from './three-way.ts'

export interface NotebookMerge {
  notebook: Notebook
  /** indices of cells whose source both sides changed, or one changed and the other deleted */
  conflicts: number[]
  /** metadata that both sides changed, as paths: ours was taken */
  ours: string[]
}

interface Row extends Three<Cell | undefined> {
  key: string
}

/** Merges what two notebooks changed since their common base, cell by cell. */
export function mergeNotebooks({base, ours, theirs}: Three<Notebook>): NotebookMerge {
  const rows = rowsOf({base, ours, theirs})
  const merged = new Map(rows.all.flatMap((row) => {
    const cell = mergeRow(row)
    return cell ? [[row.key, cell] as const] : []
  }))
  const order = mergeOrder(rows.order, new Set(merged.keys()))
  const cells = order.map((key) => merged.get(key)!)
  const metadata = mergeValues({base: base.metadata, ours: ours.metadata, theirs: theirs.metadata})
  return {
    notebook: {
      ...ours, cells: withOwnIds(cells.map(({cell}) => cell)),
      metadata: isRecord(metadata.value) ? metadata.value : ours.metadata, nbformat_minor: Math.max(ours.nbformat_minor, theirs.nbformat_minor),
    },
    conflicts: cells.flatMap(({conflict}, index) => (conflict ? [index] : [])),
    ours: [...metadata.ours.map((path) => `metadata.${path}`), ...cells.flatMap(({ours: paths}, index) => paths.map((path) => `cell ${index + 1}: ${path}`))],
  }
}

/** The cells of all three, each once, and in which order each side has them. */
function rowsOf({base, ours, theirs}: Three<Notebook>): {all: Row[]; order: Three<string[]>} {
  const all: Row[] = base.cells.map((cell, index) => ({key: `base ${index}`, base: cell, ours: undefined, theirs: undefined}))
  const place = (side: 'ours' | 'theirs', notebook: Notebook): string[] => {
    const keys: string[] = []
    for (const {before, after} of matchCells(base, notebook)) {
      if (after === null) continue
      const cell = notebook.cells[after]!
      let row = before === null ? undefined : all[before]
      // the same addition on both sides
      if (!row && side === 'theirs') row = all.find((one) => !one.base && one.ours && !one.theirs && (one.ours.id === cell.id || isDeepStrictEqual(one.ours.source, cell.source)) && one.ours.cell_type === cell.cell_type)
      if (!row) all.push((row = {key: `${side} ${after}`, base: undefined, ours: undefined, theirs: undefined}))
      row[side] = cell
      keys.push(row.key)
    }
    return keys
  }
  return {all, order: {base: base.cells.map((_, index) => `base ${index}`), ours: place('ours', ours), theirs: place('theirs', theirs)}}
}

function mergeRow({base, ours, theirs}: Row): ReturnType<typeof mergeCell> | undefined {
  if (ours && theirs) return mergeCell({base, ours, theirs})
  const [cell, side] = ours ? ([ours, 'ours'] as const) : ([theirs, 'theirs'] as const)
  if (!cell) return undefined
  if (!base) return {cell, conflict: false, ours: []}
  // deleted by one side: what the other did to its outputs or metadata keeps nothing alive
  return cell.source === base.source && cell.cell_type === base.cell_type ? undefined : {cell: keptCell(cell, side), conflict: true, ours: []}
}

/** Two sides may have given two cells one id. */
function withOwnIds(cells: Cell[]): Cell[] {
  const seen = new Set<string>()
  return cells.map((cell, index) => {
    let {id} = cell
    for (let attempt = 0; seen.has(id); attempt++) id = createHash('sha256').update(`${cell.id}\0${index}\0${attempt}`).digest('hex').slice(0, 8)
    seen.add(id)
    return id === cell.id ? cell : {...cell, id}
  })
}
