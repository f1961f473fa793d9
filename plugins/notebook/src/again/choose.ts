import {type CodeCell, type Notebook} from '../format/model.ts'
import {languageOf} from '../parameters/said-language.ts'
import {type Executed, pair, type Pairing} from './former.ts'
import {type Names, namesOf, opaque} from './names.ts'
import {type Former, type Mode, plan, type Plan} from './plan.ts'
import {hashOf} from './record.ts'

export interface ChooseInput {
  notebook: Notebook
  /** those that a run executes, in order */
  cells: readonly CodeCell[]
  executed: readonly Executed[]
  mode: Mode
  /** the kept one; undefined: a fresh one */
  kernel: string | undefined
  pending: readonly string[]
  /** the kernel's name, where one is asked for */
  kernelName: string | undefined
}

export interface Choice extends Plan {
  pairing: Pairing
}

/** Which cells are to be run, with a kept kernel or a fresh one: `plan`, of a notebook and its executed copy. */
export async function choose({notebook, cells, executed, mode, kernel, pending, kernelName}: ChooseInput): Promise<Choice> {
  const pairing = pair(cells, executed)
  const names = await namesIn([...cells, ...executed.map(({cell, hash}) => ({source: hash === undefined || hash === hashOf(cell.source) ? cell.source : ''}))], isPython(notebook, kernelName))
  const formerOf = (one: Executed): Former => {
    // of a cell that was edited in its place only the hash is left of what ran
    const known = one.hash === undefined || one.hash === hashOf(one.cell.source)
    return {
      position: one.position, names: known ? (names[cells.length + executed.indexOf(one)] ?? opaque) : opaque, state: one.state,
      inKernel: kernel !== undefined && one.kernel === kernel, count: one.count,
    }
  }
  const planned = plan({
    mode, pending, kernel: kernel === undefined ? 'fresh' : 'kept', gone: pairing.gone.map(formerOf),
    cells: cells.map((cell, at) => {
      const former = pairing.of.get(cell.id)
      // where the copy does not say what ran, only --changed has to know
      const changed = former !== undefined && former.hash !== hashOf(cell.source) && !(former.hash === undefined && mode !== 'changed')
      return {names: names[at] ?? opaque, changed, ...(former ? {former: formerOf(former)} : {})}
    }),
  })
  return {...planned, pairing}
}

async function namesIn(cells: readonly {source: string}[], python: boolean): Promise<Names[]> {
  if (!python) return cells.map(() => opaque)
  const {pythonNames} = await import('./python-names.ts')
  return namesOf(cells.map(({source}) => pythonNames(source)))
}

function isPython(notebook: Notebook, kernelName: string | undefined): boolean {
  const {kernel, language} = languageOf(notebook)
  const name = kernelName ?? kernel ?? ''
  return /^i?python/i.test(name) || (kernelName === undefined && /^i?python$/i.test(language ?? '')) || (name === '' && language === undefined)
}
