import {randomBytes} from 'node:crypto'
import {cellPlaces, memberOf} from '../edit/file.ts'
import {type Edit, edited, items, removals, root, valueOf} from '../edit/json-text.ts'
import type {Notebook} from '../format/model.ts'
import type {Problem} from './rules.ts'

/** The file's text with what `--fix` can mend of these problems, by the id of their rule; all else as it was. */
export function fixed(text: string, notebook: Notebook, problems: ReadonlyMap<string, readonly Problem[]>): string {
  const cellsOf = (rule: string): Set<number | undefined> => new Set(problems.get(rule)?.map(({cell}) => cell))
  const [empty, doubled] = [cellsOf('empty-cell'), cellsOf('duplicate-id')]
  const cells = valueOf(text, root(text), 'cells')
  if (!cells) return text
  const taken = new Set(notebook.cells.map(({id}) => id))
  const ids = cellPlaces(text).flatMap((place, index): Edit[] => {
    const id = memberOf(place, 'id')
    return id && doubled.has(index) && !empty.has(index) ? [{...id.value, text: JSON.stringify(freshId(taken))}] : []
  })
  return edited(text, [...removals(cells, items(text, cells), (_, index) => empty.has(index)), ...ids])
}

function freshId(taken: Set<string>): string {
  for (;;) {
    const id = randomBytes(4).toString('hex')
    if (taken.has(id)) continue
    taken.add(id)
    return id
  }
}
