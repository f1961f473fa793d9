import {type CodeCell, isRecord, tagsOf} from '../format/model.ts'
import type {NotebookFile} from '../edit/file.ts'
import {cellPlaces, memberOf} from '../edit/file.ts'
import {type Edit, edited, items, members, removals, root, type Span, valueOf} from '../edit/json-text.ts'

/** What `--keep` may name. */
export const keepable = ['outputs', 'outputs-tagged', 'execution-counts', 'metadata'] as const
export type Keep = (typeof keepable)[number]

/** A cell with this tag keeps its outputs with `--keep outputs-tagged`. */
export const keepTag = 'keep-output'

/** What editors and runners note in a cell whenever it is run, opened or scrolled. */
const volatileOfCells = new Set(['ExecuteTime', 'cgpu', 'collapsed', 'execution', 'executionInfo', 'hidden', 'outputId', 'papermill', 'pycharm', 'scrolled', 'trusted'])
const volatileOfNotebooks = new Set(['cgpu', 'papermill', 'signature', 'widgets'])
/** Of Colab's own record in a cell: where it was opened and how high its output was. */
const volatileOfColab = new Set(['base_uri', 'height', 'referenced_widgets'])

/** The file's text without outputs, execution counts and volatile metadata; all else as it was, byte for byte. */
export function strip({text, notebook}: Pick<NotebookFile, 'text' | 'notebook'>, keep: ReadonlySet<Keep>): string {
  const edits = cellPlaces(text).flatMap((place, index) => {
    const cell = notebook.cells[index]
    const metadata = memberOf(place, 'metadata')
    return [
      ...(cell?.cell_type === 'code' ? codeEdits(text, place, {cell, keep}) : []),
      ...(metadata && !keep.has('metadata') ? cellMetadataEdits(text, metadata.value) : []),
    ]
  })
  const metadata = valueOf(text, root(text), 'metadata')
  return edited(text, [...edits, ...(metadata && !keep.has('metadata') ? notebookMetadataEdits(text, metadata) : [])])
}

function codeEdits(text: string, place: Parameters<typeof memberOf>[0], {cell, keep}: {cell: CodeCell; keep: ReadonlySet<Keep>}): Edit[] {
  const keepsOutputs = keep.has('outputs') || (keep.has('outputs-tagged') && tagsOf(cell).includes(keepTag))
  const [outputs, count] = [memberOf(place, 'outputs'), memberOf(place, 'execution_count')]
  return [
    ...(outputs && !keepsOutputs && cell.outputs.length > 0 ? [{...outputs.value, text: '[]'}] : []),
    ...(count && !keep.has('execution-counts') && cell.execution_count !== null ? [{...count.value, text: 'null'}] : []),
    // a result that stays has a count of its own
    ...(outputs && keepsOutputs && !keep.has('execution-counts') ? resultCounts(text, outputs.value) : []),
  ]
}

function resultCounts(text: string, outputs: Span): Edit[] {
  return items(text, outputs).flatMap((output) => {
    const count = valueOf(text, output, 'execution_count')
    return count && text.slice(count.start, count.end) !== 'null' ? [{...count, text: 'null'}] : []
  })
}

function cellMetadataEdits(text: string, metadata: Span): Edit[] {
  const all = members(text, metadata)
  const colab = all.findLast(({key}) => key === 'colab')
  const within = colab ? members(text, colab.value) : []
  // an empty record of Colab's says nothing either
  const colabGone = within.every(({key}) => volatileOfColab.has(key)) && colab !== undefined && isRecord(JSON.parse(text.slice(colab.value.start, colab.value.end)))
  return [
    ...removals(metadata, all, ({key}) => volatileOfCells.has(key) || (key === 'colab' && colabGone)),
    ...(colab && !colabGone ? removals(colab.value, within, ({key}) => volatileOfColab.has(key)) : []),
  ]
}

/** The version of the language is that of the last machine, not the notebook's. */
function notebookMetadataEdits(text: string, metadata: Span): Edit[] {
  const language = valueOf(text, metadata, 'language_info')
  return [
    ...removals(metadata, members(text, metadata), ({key}) => volatileOfNotebooks.has(key)),
    ...(language ? removals(language, members(text, language), ({key}) => key === 'version') : []),
  ]
}
