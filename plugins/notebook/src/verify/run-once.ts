import {CgpuError, type KernelRequest, type OwnKernel} from '@cgpu/plugin-sdk'
import {type Notebook, tagsOf} from '../format/model.ts'
import {perform} from '../run/perform.ts'
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
  cellTimeoutMs: number | undefined
  startTimeoutMs: number
  reporter: Reporter
  warn: (message: string) => void
  notice: (message: string) => void
  withKernel: <R extends {exitStatus?: number}>(request: KernelRequest, work: (kernel: OwnKernel) => Promise<R>) => Promise<R>
}

/** Runs a notebook as `notebook run` does, writing nothing. An error that the committed outputs have is expected. Throws what kept it from being run to its end, but for cells that failed. */
export async function runOnce(committed: Notebook, options: RunOnce): Promise<Ran> {
  const notebook = structuredClone(committed)
  for (const cell of notebook.cells) {
    // sys.exit() ends a notebook, and does so here
    const fails = cell.cell_type === 'code' && cell.outputs.some((output) => output.output_type === 'error' && output.ename !== 'SystemExit')
    if (fails) cell.metadata['tags'] = [...tagsOf(cell), 'raises-exception']
  }
  const {flags} = options
  const {result, failure} = await perform({
    ...options, notebook, selected: undefined, parameters: {}, output: '-', timeoutMs: undefined,
    flags: {...flags, 'skip-tag': 'skip-execution', timing: false, 'error-markers': false},
  })
  const error = failure?.({})
  if (error && error.code !== 'CODE_FAILED' && error.code !== 'CELL_TIMEOUT') {
    const {message, code, category, exit, retryable, cause} = error
    throw new CgpuError(message, {code, category, exit, retryable, cause, fix: 'nothing was compared; test it again'})
  }
  const last = result.cells.at(-1)
  const exited = result.status === 'exited'
  return {notebook, cells: result.cells, endedBy: error || exited ? last?.index : undefined, exited}
}
