import {type Notebook, tagsOf} from '../format/model.ts'
import {readNotebook} from '../format/read.ts'
import {type GivenFlags, givenIn} from '../parameters/given.ts'
import {parametersTag} from '../parameters/tags.ts'
import type {Value} from '../parameters/value.ts'
import {removeMarkers} from './markers.ts'
import {select} from './select.ts'
import {refuseTooBig} from './too-big.ts'

export interface PrepareFlags extends GivenFlags {
  kernel?: string | undefined
  from?: string | undefined
  until?: string | undefined
  cells?: string[] | undefined
  tags?: string[] | undefined
  /** parameters that win over all others */
  given?: Readonly<Record<string, Value>> | undefined
}

export interface Prepared {
  notebook: Notebook
  /** ids of the cells to run; undefined: all */
  selected: Set<string> | undefined
  /** as they were given, for JSON */
  parameters: Record<string, unknown>
}

/** Asks for more parameters than are given, once the notebook is read. */
export type MoreParameters = (given: Record<string, Value>, notebook: Notebook) => Promise<Record<string, Value>>

/** Reads the notebook, chooses its cells, and sets its parameters: all that can be wrong before a machine is needed. `read`: in place of `readNotebook`. */
export async function prepare(path: string, flags: PrepareFlags, onWarning: (message: string) => void, more?: MoreParameters, read: (path: string) => Promise<Notebook> = (one) => readNotebook(one)): Promise<Prepared> {
  const notebook = await read(path)
  removeMarkers(notebook)
  const selected = select(notebook, flags)
  // whichever cells run, the parameters hold
  for (const cell of notebook.cells) if (tagsOf(cell).includes(parametersTag)) selected?.add(cell.id)
  refuseTooBig(notebook, selected)
  const {given} = flags
  const sources = givenIn(flags)
  if (!given && !more && Object.values(sources).every((one) => one.length === 0)) return {notebook, selected, parameters: {}}
  const [{plain, readParameters}, {injectParameters}] = await Promise.all([import('../parameters/values.ts'), import('../parameters/inject.ts')])
  const own = {...await readParameters(sources), ...given}
  const values = more ? await more(own, notebook) : own
  if (Object.keys(values).length > 0) {
    const id = injectParameters(notebook, values, flags.kernel, onWarning)
    selected?.add(id)
  }
  return {notebook, selected, parameters: Object.fromEntries(Object.entries(values).map(([name, value]) => [name, plain(value)]))}
}
