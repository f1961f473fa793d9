import {CgpuError, errors, type KernelRequest, type OwnKernel, sanitizeLine} from '@cgpu/plugin-sdk'
import {type Notebook, tagsOf} from '../format/model.ts'
import {injectParameters} from '../parameters/inject.ts'
import type {Value} from '../parameters/value.ts'
import {perform} from '../run/perform.ts'
import type {CellResult} from '../run/run-notebook.ts'
import type {Reporter} from '../run/report.ts'
import type {Ran} from './judge.ts'

export interface RunOnce {
  flags: {
    runtime?: string | undefined
    account?: string | undefined
    kernel?: string | undefined
    cwd?: string | undefined
    secret?: string[] | undefined
    'allow-errors'?: boolean
    'cell-timeout'?: string | undefined
  }
  /** set for the run, and not kept */
  parameters?: Readonly<Record<string, Value>> | undefined
  cellTimeoutMs: number | undefined
  startTimeoutMs: number
  reporter: Reporter
  warn: (message: string) => void
  notice: (message: string) => void
  withKernel: <R extends {exitStatus?: number}>(request: KernelRequest, work: (kernel: OwnKernel) => Promise<R>) => Promise<R>
}

/** Runs a notebook as `notebook run` does, writing nothing. An error that the committed outputs have is expected. Throws what kept it from being run to its end, but for cells that failed; UNKNOWN_PARAMETER, INVALID_PARAMETER (64). */
export async function runOnce(committed: Notebook, options: RunOnce): Promise<Ran> {
  const notebook = structuredClone(committed)
  for (const cell of notebook.cells) {
    // sys.exit() ends a notebook, and does so here
    const fails = cell.cell_type === 'code' && cell.outputs.some((output) => output.output_type === 'error' && output.ename !== 'SystemExit')
    if (fails) cell.metadata['tags'] = [...tagsOf(cell), 'raises-exception']
  }
  const {flags, parameters = {}} = options
  const setter = Object.keys(parameters).length > 0 ? injectParameters(notebook, parameters, flags.kernel, options.warn) : undefined
  const {result, failure} = await perform({
    ...options, notebook, selected: undefined, parameters: {}, output: '-', timeoutMs: undefined,
    flags: {...flags, 'skip-tag': 'skip-execution', timing: false, 'error-markers': false},
  })
  const error = failure?.({})
  if (error && error.code !== 'CODE_FAILED' && error.code !== 'CELL_TIMEOUT') {
    const {message, code, category, exit, retryable, cause} = error
    throw new CgpuError(message, {code, category, exit, retryable, cause, fix: 'nothing was compared; test it again'})
  }
  const exited = result.status === 'exited'
  const cells = setter === undefined || notebook.cells.length === committed.cells.length ? result.cells : without(setter, notebook, result.cells)
  return {notebook, cells, endedBy: error || exited ? cells.at(-1)?.index : undefined, exited}
}

/** As the file has it: the cell that set the parameters is taken out of the notebook, and those behind it have their places again. */
function without(id: string, notebook: Notebook, results: readonly CellResult[]): CellResult[] {
  const at = notebook.cells.findIndex((cell) => cell.id === id)
  const {error} = results.find((result) => result.index === at) ?? {}
  if (error) throw errors.usage(`setting the parameters failed: ${sanitizeLine(`${error.name}: ${error.message}`, 300)}`, {code: 'INVALID_PARAMETER', fix: 'give what the notebook\'s kernel can hold'})
  notebook.cells.splice(at, 1)
  return results.filter(({index}) => index !== at).map((result) => (result.index > at ? {...result, index: result.index - 1} : result))
}
