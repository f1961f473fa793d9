import {closest, errors, sanitizeLine} from '@cgpu/plugin-sdk'
import {type CodeCell, isRecord, type Notebook, tagsOf} from '../format/model.ts'
import {checkTypes} from './check-types.ts'
import {parametersOf} from './inspect.ts'
import {translatorFor} from './languages.ts'
import {languageOf} from './said-language.ts'
import {parametersTag} from './tags.ts'
import {parameterSource} from './translate.ts'
import type {Value} from './value.ts'
import {plain} from './values.ts'

const injectedTag = 'injected-parameters'
const injectedId = 'injected-parameters'

/**
 * Adds the cell that sets them, as papermill does: in place of a former one, else behind the cell tagged `parameters`, else at the top.
 * Returns its id. Throws UNKNOWN_PARAMETER, INVALID_PARAMETER, PARAMETERS_LANGUAGE (64).
 */
export function injectParameters(notebook: Notebook, values: Readonly<Record<string, Value>>, kernel: string | undefined, onWarning: (message: string) => void): string {
  const declared = parametersOf(notebook, kernel)
  if (declared) {
    refuseUnknown(Object.keys(values), declared.map(({name}) => name))
    checkTypes(values, declared)
  }
  const said = languageOf(notebook)
  const source = parameterSource(values, translatorFor(kernel ?? said.kernel, said.language))
  const cells = notebook.cells
  const former = cells.findIndex((cell) => tagsOf(cell).includes(injectedTag))
  const tagged = cells.findIndex((cell) => tagsOf(cell).includes(parametersTag))
  const cell: CodeCell = {cell_type: 'code', id: cells[former]?.id ?? freshId(notebook), source, metadata: {tags: [injectedTag]}, execution_count: null, outputs: []}
  if (former >= 0) cells.splice(former, 1, cell)
  else cells.splice(tagged + 1, 0, cell)
  if (former < 0 && tagged < 0) onWarning('no cell is tagged "parameters": they are set at the top of the notebook')
  const papermill = isRecord(notebook.metadata['papermill']) ? notebook.metadata['papermill'] : {}
  notebook.metadata['papermill'] = {...papermill, parameters: plain({...values})}
  return cell.id
}

/** A misspelt name would leave the default in place, unnoticed. */
function refuseUnknown(given: readonly string[], declared: readonly string[]): void {
  const unknown = given.find((name) => !declared.includes(name))
  if (unknown === undefined) return
  const near = closest(unknown, [...declared])
  throw errors.usage(`the notebook has no parameter "${sanitizeLine(unknown, 80)}"`, {
    code: 'UNKNOWN_PARAMETER',
    fix: near !== undefined ? `did you mean ${sanitizeLine(near, 80)}?` : declared.length > 0 ? `it has: ${sanitizeLine(declared.join(', '), 300)}` : 'its cell tagged "parameters" sets nothing; add it there',
    details: {parameters: declared},
  })
}

function freshId({cells}: Notebook): string {
  const taken = new Set(cells.map(({id}) => id))
  for (let number = 1; ; number++) {
    const id = number === 1 ? injectedId : `${injectedId}-${number}`
    if (!taken.has(id)) return id
  }
}
