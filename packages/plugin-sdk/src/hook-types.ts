import type {Hook, Hooks} from '@oclif/core/interfaces'
import type {RuntimeSpec} from '@cgpu/core/provider'
import type {
  MetricSinkRegistration, NotebookExporterRegistration, PipelineExecutorRegistration, ProviderRegistration, SchemeRegistration, SecretSourceRegistration,
} from './registration-types.ts'

/** What is about to run. No secrets: of the environment only the names are told. */
export interface ExecutionRequest {
  /** stable for this execution; the same in before and after */
  id: string
  kind: 'exec' | 'run' | 'shell'
  /** in `execution:before` of a run that will make its own runtime, id and name are still empty: a veto costs nothing */
  runtime: {id: string; name: string; provider: string}
  /** `run`, `shell`: the program and its arguments, empty for a login shell; `exec`: absent */
  argv?: string[]
  /** `exec`: the code */
  code?: string
  envNames: string[]
}

export interface ExecutionOutcome {
  /**
   * `interrupted`: by Ctrl-C, a signal or a cancellation; `vetoed`: a hook forbade it, and nothing ran; `lost`: its machine or kernel
   * went away while it ran; `detached`: it was started, and left running
   */
  status: 'ok' | 'error' | 'interrupted' | 'vetoed' | 'lost' | 'detached'
  /** of the remote program, where it ended with one */
  exitStatus?: number
  durationMs: number
  error?: {code: string; message: string}
}

/** A runtime as hooks see it. */
export interface RuntimeInfo {
  id: string
  name: string
  provider: string
}

/** A program that was left running. Its id is that of its execution. */
export interface JobInfo {
  id: string
  runtime: RuntimeInfo
}

/** A notebook that is about to be executed, or was. */
export interface NotebookRequest {
  /** stable for this run; the same in all of its hooks */
  id: string
  /** its path, or `-` */
  notebook: string
  /** where the executed copy goes, or `-` */
  output: string
  /** as the user gave them, and in hooks after `notebook:before` also as plugins did */
  parameters?: Record<string, unknown>
  /** It is left running. Whoever follows it tells of its cells: they begin whatever `cell:before` answers, and some end while nobody looks. */
  detached?: boolean
}

export interface NotebookOutcome {
  /** `lost`: its machine or kernel went away */
  status: 'ok' | 'error' | 'interrupted' | 'vetoed' | 'lost'
  /** of the command */
  exitStatus: number
  durationMs: number
  /** how many cells ran */
  cells: number
  error?: {code: string; message: string}
  /** it was left running, and had ended before anybody looked */
  late?: boolean
}

export interface NotebookCell {
  id: string
  /** of all cells, from 0 */
  index: number
  /** absent for plugins that may not run code */
  source?: string
  tags: string[]
}

export interface CellOutcome {
  status: 'ok' | 'error' | 'interrupted' | 'lost'
  durationMs: number
  error?: {name: string; message: string}
  /** of a notebook that was left running: the cell had ended before anybody looked; `cell:before` was not told of it */
  late?: boolean
}

/** What a hook is given, and what it may answer. Every option object carries `contract`. */
export interface CgpuHooks extends Hooks {
  'execution:before': {
    options: {contract: number; request: ExecutionRequest}
    /** `env` is for programs (run, shell); code for a kernel has that kernel's */
    return: void | {veto?: string; env?: Record<string, string>}
  }
  'execution:after': {
    options: {contract: number; request: ExecutionRequest; outcome: ExecutionOutcome}
    return: void
  }
  'runtime:before-create': {
    options: {contract: number; provider: string; spec: RuntimeSpec}
    return: void | {veto?: string; spec?: Partial<RuntimeSpec>}
  }
  'runtime:after-create': {options: {contract: number; runtime: RuntimeInfo}; return: void}
  'runtime:before-release': {options: {contract: number; runtime: RuntimeInfo}; return: void}
  'runtime:after-release': {options: {contract: number; runtime: RuntimeInfo; released: boolean}; return: void}
  /** a job that was left running is over; told once, by the command that sees it first */
  'job:ended': {options: {contract: number; job: JobInfo; outcome: Pick<ExecutionOutcome, 'status' | 'exitStatus'>}; return: void}
  /** before a machine is needed; `parameters` are set where the user set no other value */
  'notebook:before': {options: {contract: number; request: NotebookRequest}; return: void | {veto?: string; parameters?: Record<string, unknown>}}
  'notebook:after': {options: {contract: number; request: NotebookRequest; outcome: NotebookOutcome}; return: void}
  /** `skip`: why the cell is left as it is, and the run goes on; a veto ends the run */
  'cell:before': {options: {contract: number; request: NotebookRequest; cell: NotebookCell}; return: void | {veto?: string; skip?: string}}
  'cell:after': {options: {contract: number; request: NotebookRequest; cell: NotebookCell; outcome: CellOutcome}; return: void}
  // registrations: asked when what they bring is first needed; they answer with one, or with several
  'provider:register': {options: {contract: number}; return: void | ProviderRegistration | ProviderRegistration[]}
  'scheme:register': {options: {contract: number}; return: void | SchemeRegistration | SchemeRegistration[]}
  'secret-source:register': {options: {contract: number}; return: void | SecretSourceRegistration | SecretSourceRegistration[]}
  'metric-sink:register': {options: {contract: number}; return: void | MetricSinkRegistration | MetricSinkRegistration[]}
  'notebook-exporter:register': {options: {contract: number}; return: void | NotebookExporterRegistration | NotebookExporterRegistration[]}
  'pipeline-executor:register': {options: {contract: number}; return: void | PipelineExecutorRegistration | PipelineExecutorRegistration[]}
}

export type CgpuEvent =
  | 'execution:before' | 'execution:after' | 'runtime:before-create' | 'runtime:after-create'
  | 'job:ended' | 'runtime:before-release' | 'runtime:after-release' | 'notebook:before' | 'notebook:after' | 'cell:before' | 'cell:after' | 'provider:register' | 'scheme:register'
  | 'secret-source:register' | 'metric-sink:register' | 'notebook-exporter:register' | 'pipeline-executor:register'

/** The type of a hook's default export: `const hook: CgpuHook<'execution:before'> = async ({request}) => …`. */
export type CgpuHook<E extends CgpuEvent> = Hook<E, CgpuHooks>
