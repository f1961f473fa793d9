import type {CgpuError} from '@cgpu/plugin-sdk'
import type {RemoteCopy} from '../addresses/remote-copy.ts'
import type {Selected} from '../again/again.ts'
import {floatText, type Value} from '../parameters/value.ts'
import {plain} from '../parameters/values.ts'
import type {CellResult, NotebookRun} from '../run/run-notebook.ts'
import type {ParameterSet} from './matrix.ts'

/** One notebook with one set of parameters. */
export interface PlannedRun {
  /** its number in the batch, from 1 */
  n: number
  /** a path or an address, as is `output`: shown by `openPlace` */
  notebook: string
  /** the file's name without .ipynb */
  name: string
  /** below the folder that `-R` was given; '' for a notebook that was named */
  folder: string
  /** of the sweep; empty where there is none */
  set: ParameterSet
  /** for people: the notebook and its set */
  label: string
  output: string
  /** patterns of what comes back, and the folder of this computer that it comes to */
  fetch?: string[] | undefined
  fetchTo?: string | undefined
  /** of a notebook at an address that its own copy replaces: looked at before it was read */
  remote?: RemoteCopy
}

/** Opens the place of a copy at an address. */
export type OpenCopy = (address: string) => Promise<RemoteCopy>

/** A code cell that a run was to execute. */
export interface DueCell {
  index: number
  id: string
  /** its first line that is not blank, cut */
  title: string
}

export type OutcomeStatus = NotebookRun['status'] | 'skipped' | 'not-run'

/** How a run ended. */
export interface Outcome {
  run: PlannedRun
  status: OutcomeStatus
  exitStatus: number
  durationSeconds: number
  runtime: string | null
  kernel: string | null
  parameters: Record<string, unknown>
  cells: CellResult[]
  /** where not all had to run: what was decided about each cell */
  selection?: Selected[]
  due: DueCell[]
  /** why it did not succeed, or why it was skipped or not run */
  error?: CgpuError
  reason?: string
  /** the cell that ended it, its source cut where that is long */
  failed?: {id: string; index: number; source: string}
  /** as it was told, for a terminal */
  traceback: string
}

export const succeeded = ({status}: Pick<Outcome, 'status'>): boolean => status === 'ok' || status === 'exited' || status === 'skipped'

/** A value as it is given with `-p`; lists and mappings as JSON. */
export function valueText(value: Value): string {
  if (value === null) return 'None'
  if (typeof value === 'boolean') return value ? 'True' : 'False'
  if (typeof value === 'number' && Number.isFinite(value)) return floatText(value)
  return typeof value === 'object' ? JSON.stringify(plain(value)) : String(value)
}

export const setText = (set: ParameterSet): string => Object.entries(set).map(([name, value]) => `${name}=${valueText(value)}`).join(', ')

/** Flags that give the set again. */
export function setWords(set: ParameterSet): string[] {
  return Object.entries(set).map(([name, value]) => {
    if (typeof value === 'string') return `--parameters-raw=${name}=${value}`
    return typeof value === 'object' && value !== null ? `--parameters-yaml=${JSON.stringify({[name]: plain(value)})}` : `--parameters=${name}=${valueText(value)}`
  })
}
