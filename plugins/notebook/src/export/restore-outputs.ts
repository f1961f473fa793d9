import {type Cell, type CodeCell, isRecord, type Notebook} from '../format/model.ts'
import {splitMetadata} from './percent/cells.ts'

const isCode = (cell: Notebook['cells'][number]): cell is CodeCell => cell.cell_type === 'code'

/**
 * Gives code cells the outputs and counts that they have in `from`: by their id where the source is the same, too, else by the
 * source alone, in order, each once; what else scripts do not carry comes with them: pictures attached to text, how a cell was
 * shown and run, and of the notebook its language and the state of widgets. Other cells keep what they have.
 */
export function restoreOutputs(notebook: Notebook, from: Notebook): void {
  const byId = new Map(from.cells.filter(isCode).map((cell) => [cell.id, cell]))
  const free = new Map<string, CodeCell[]>()
  const cells = notebook.cells.filter(isCode)
  const taken = new Set<CodeCell>()
  const texts = new Map(from.cells.map((cell) => [cell.id, cell]))
  for (const cell of notebook.cells) {
    const old = texts.get(cell.id)
    if (cell.cell_type === 'code' || old?.cell_type !== cell.cell_type) continue
    if (old.attachments) cell.attachments ??= old.attachments
    takeMetadata(cell, old)
  }
  const take = (cell: CodeCell, old: CodeCell): void => {
    taken.add(old)
    cell.outputs = old.outputs
    cell.execution_count = old.execution_count
    takeMetadata(cell, old)
  }
  const rest = cells.filter((cell) => {
    const old = byId.get(cell.id)
    if (!old || old.source.trimEnd() !== cell.source.trimEnd()) return true
    take(cell, old)
    return false
  })
  for (const old of byId.values()) {
    if (taken.has(old)) continue
    const key = old.source.trimEnd()
    free.set(key, [...(free.get(key) ?? []), old])
  }
  for (const cell of rest) {
    const old = free.get(cell.source.trimEnd())?.shift()
    if (old) take(cell, old)
  }
  if (taken.size > 0) for (const name of ['language_info', 'widgets']) if (from.metadata[name] !== undefined) notebook.metadata[name] ??= from.metadata[name]
}

function takeMetadata(cell: Cell, old: Cell): void {
  for (const [name, value] of Object.entries(splitMetadata(old.metadata).left)) {
    const own = cell.metadata[name]
    cell.metadata[name] = isRecord(own) && isRecord(value) ? {...value, ...own} : (own ?? value)
  }
}
