import {isDeepStrictEqual} from 'node:util'
import type {Cell, Notebook, Output} from '../format/model.ts'
import {type LineChange, lineChanges} from './lines.ts'
import {matchCells, type Pair} from './match.ts'
import {outputLines} from './output-text.ts'
import {type ValueChange, valueChanges} from './values.ts'

/** What `--ignore` may name. */
export type Aspect = 'outputs' | 'metadata' | 'execution-counts'

export interface DiffOptions {
  ignore: ReadonlySet<Aspect>
  /** lines around what changed */
  context: number
}

export interface CellDiff {
  change: 'added' | 'deleted' | 'changed'
  type: Cell['cell_type']
  id: string
  /** indices, from 0, of all cells */
  before: number | null
  after: number | null
  moved: boolean
  source: LineChange[]
  outputs: LineChange[]
  metadata: ValueChange[]
  executionCount?: {before: number | null; after: number | null}
}

export interface NotebookDiff {
  same: boolean
  metadata: ValueChange[]
  /** those that differ */
  cells: CellDiff[]
}

/** What changed from one notebook to another, cell by cell. */
export function diffNotebooks(before: Notebook, after: Notebook, options: DiffOptions): NotebookDiff {
  const metadata = options.ignore.has('metadata') ? [] : valueChanges(before.metadata, after.metadata)
  const cells = matchCells(before, after).flatMap((pair) => cellDiff(before, after, {pair, options}) ?? [])
  return {same: metadata.length === 0 && cells.length === 0, metadata, cells}
}

function cellDiff(before: Notebook, after: Notebook, {pair, options}: {pair: Pair; options: DiffOptions}): CellDiff | undefined {
  const one = pair.before === null ? undefined : before.cells[pair.before]
  const other = pair.after === null ? undefined : after.cells[pair.after]
  const shown = other ?? one
  if (!shown) return undefined
  const {ignore, context} = options
  const source = lineChanges(one?.source ?? '', other?.source ?? '', context)
  const outputs = ignore.has('outputs') ? [] : outputChanges(joined(outputsOf(one)), joined(outputsOf(other)), context)
  const metadata = ignore.has('metadata') ? [] : [...valueChanges(one?.metadata ?? {}, other?.metadata ?? {}), ...valueChanges(attachmentsOf(one), attachmentsOf(other), ['attachments'])]
  const [countBefore, countAfter] = [countOf(one), countOf(other)]
  const counts = one !== undefined && other !== undefined && countBefore !== countAfter && !ignore.has('execution-counts')
  const change = one === undefined ? 'added' : other === undefined ? 'deleted' : 'changed'
  if (change === 'changed' && !pair.moved && source.length + outputs.length + metadata.length === 0 && !counts) return undefined
  return {change, type: shown.cell_type, id: shown.id, ...pair, source, outputs, metadata, ...(counts ? {executionCount: {before: countBefore, after: countAfter}} : {})}
}

const outputsOf = (cell: Cell | undefined): Output[] => (cell?.cell_type === 'code' ? cell.outputs : [])
const countOf = (cell: Cell | undefined): number | null => (cell?.cell_type === 'code' ? cell.execution_count : null)
const attachmentsOf = (cell: Cell | undefined): object => (cell !== undefined && cell.cell_type !== 'code' ? (cell.attachments ?? {}) : {})

/** Where a stream is cut into outputs is the chance of a run, and nbclient's files keep each piece. */
function joined(outputs: readonly Output[]): Output[] {
  const all: Output[] = []
  for (const output of outputs) {
    const last = all.at(-1)
    if (output.output_type === 'stream' && last?.output_type === 'stream' && last.name === output.name) all[all.length - 1] = {...last, text: last.text + output.text}
    else all.push(output)
  }
  return all
}

/** A result's own count is that of its cell. */
function outputChanges(before: Output[], after: Output[], context: number): LineChange[] {
  const plain = (outputs: Output[]): unknown[] => outputs.map((output) => (output.output_type === 'execute_result' ? {...output, execution_count: null} : output))
  if (isDeepStrictEqual(plain(before), plain(after))) return []
  const text = (outputs: Output[]): string => outputs.map(outputLines).join('')
  const changes = lineChanges(text(before), text(after), context)
  // what the text does not show: metadata of an output, its type
  return changes.length > 0 ? changes : [{op: '-', text: JSON.stringify(plain(before))}, {op: '+', text: JSON.stringify(plain(after))}]
}
