import {type Cell, type Notebook, type Output, tagsOf} from '../format/model.ts'

export interface Visibility {
  input: boolean
  output: boolean
}

/** A cell as it is shown: without what flags, tags and metadata hide. */
export interface VisibleCell {
  cell: Cell
  /** false: the code is hidden */
  input: boolean
  outputs: Output[]
}

const hides = (tags: readonly string[], part: string): boolean => tags.includes(`hide-${part}`) || tags.includes(`remove-${part}`) || tags.includes(`remove_${part}`) || tags.includes(`hide_${part}`)

/** The cells that are shown. Tags: `remove-cell`, `hide-cell`, and `hide-input`, `hide-output` with `remove-` or underscores, as Jupyter Book and nbconvert have them. */
export function visibleCells({cells}: Notebook, {input, output}: Visibility): VisibleCell[] {
  return cells.flatMap((cell): VisibleCell[] => {
    const tags = tagsOf(cell)
    if (hides(tags, 'cell')) return []
    if (cell.cell_type !== 'code') return [{cell, input: true, outputs: []}]
    const shown = {cell, input: input && !hides(tags, 'input'), outputs: output && !hides(tags, 'output') ? cell.outputs : []}
    return shown.input || shown.outputs.length > 0 ? [shown] : []
  })
}
