import {errors, sanitizeLine} from '@cgpu/plugin-sdk'
import {cellPlaces, type CellPlace, memberOf, type NotebookFile, writeText} from '../edit/file.ts'
import {type Edit, edited, indentOf} from '../edit/json-text.ts'
import type {CodeCell, Notebook} from '../format/model.ts'
import {readSource} from '../format/read.ts'
import {notebookText} from '../format/write.ts'

/** Puts the new outputs of these cells (indices) into the file; all else stays as it was. Throws NOTEBOOK_CHANGED (72), CANNOT_WRITE (73). */
export async function update(file: NotebookFile, ran: Notebook, cells: ReadonlySet<number>): Promise<void> {
  if ((await readSource(file.path)) !== file.text) {
    throw errors.conflict(`${sanitizeLine(file.path)} was changed while it ran`, {code: 'NOTEBOOK_CHANGED', category: 'file', retryable: true, fix: 'save what is open elsewhere, and test it again'})
  }
  await writeText(file.path, updated(file, ran, cells))
}

/** Counts are kept where the file has some, or nothing at all. */
export function updated({text, notebook}: Pick<NotebookFile, 'text' | 'notebook'>, ran: Notebook, cells: ReadonlySet<number>): string {
  const code = notebook.cells.filter((cell): cell is CodeCell => cell.cell_type === 'code')
  const counted = code.some((cell) => cell.execution_count !== null) || code.every((cell) => cell.outputs.length === 0)
  const edits = cellPlaces(text).flatMap((place, index) => {
    const cell = ran.cells[index]
    if (cell?.cell_type !== 'code') return []
    const fresh: CodeCell = counted ? cell : {...cell, execution_count: null, outputs: cell.outputs.map((one) => (one.output_type === 'execute_result' ? {...one, execution_count: null} : one))}
    return [...(cells.has(index) ? outputsEdit(text, place, fresh) : []), ...(counted ? countEdit(text, place, fresh) : [])]
  })
  return edited(text, edits)
}

function countEdit(text: string, place: CellPlace, {execution_count: count}: CodeCell): Edit[] {
  const there = memberOf(place, 'execution_count')?.value
  return there && text.slice(there.start, there.end) !== String(count) ? [{...there, text: String(count)}] : []
}

function outputsEdit(text: string, place: CellPlace, cell: CodeCell): Edit[] {
  const member = memberOf(place, 'outputs')
  if (!member) return []
  const {cells} = JSON.parse(notebookText({cells: [cell], metadata: {}, nbformat: 4, nbformat_minor: 5})) as {cells: [{outputs: unknown}]} // what `notebookText` writes
  const line = text.slice(text.lastIndexOf('\n', member.start) + 1, member.start)
  // a cell that stands on one line stays there
  const ownLine = /^[ \t]*$/.test(line)
  return [{...member.value, text: JSON.stringify(cells[0].outputs, null, ownLine ? indentOf(text) : undefined).replaceAll('\n', `\n${line}`)}]
}
