import {isRecord, type Notebook, tagsOf, type TextCell} from '../format/model.ts'

/** papermill's own tag: it removes such cells, too. */
const markerTag = 'papermill-error-cell-tag'
const anchor = 'papermill-error-cell'
const style = 'color:red; font-family:Helvetica Neue, Helvetica, Arial, sans-serif; font-size:2em;'

/** Takes the marks of a former run away, and what a batch noted of it. */
export function removeMarkers(notebook: Notebook): void {
  const {cgpu} = notebook.metadata
  if (isRecord(cgpu)) delete cgpu['batch']
  notebook.cells = notebook.cells.filter((cell) => !tagsOf(cell).includes(markerTag))
}

/** Marks where a run failed, for whoever opens the copy: at the top with a link, and above the cell. */
export function addMarkers(notebook: Notebook, failedId: string): void {
  const at = notebook.cells.findIndex(({id}) => id === failedId)
  const cell = notebook.cells[at]
  if (cell?.cell_type !== 'code') return
  const prompt = `In [${cell.execution_count ?? ' '}]`
  notebook.cells.splice(at, 0, marker(`${anchor}-here`, `<span id="${anchor}" style="${style}">The run met an exception here and stopped:</span>`))
  notebook.cells.unshift(marker(`${anchor}-top`, `<span style="${style}">The run stopped with an exception at '<a href="#${anchor}">${prompt}</a>'.</span>`))
}

function marker(id: string, source: string): TextCell {
  return {cell_type: 'markdown', id, source, metadata: {tags: [markerTag]}}
}
