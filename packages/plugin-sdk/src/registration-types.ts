import type {SchemeHandler} from '@cgpu/core/fetch/plan'
import type {ProviderFactory} from '@cgpu/core/provider'
import type {Measured} from '@cgpu/core/runtime/options'

export interface ProviderRegistration {
  /** unique among all providers */
  id: string
  factory: ProviderFactory
}

/** A small file, such as a notebook, that came from an address. */
export interface SchemeFile {
  data: Uint8Array
  /** what the server calls this state of it */
  version?: string | undefined
}

/**
 * How files of a scheme are read and written from the user's own computer: notebooks are. Each throws what the user is to read, with an
 * address that holds none of its secrets.
 */
export interface SchemeFiles {
  /** The whole file. Throws where it has more than `maxBytes`. */
  read?: (address: string, options: {signal: AbortSignal; maxBytes: number}) => Promise<SchemeFile>
  /** Before anything is written: the version that is there, null where there is nothing, undefined where that cannot be told. Throws where `write` could only fail. */
  look?: (address: string, options: {signal: AbortSignal}) => Promise<string | null | undefined>
  /** Replaces the whole file, unless `replaces` is told and there is another version by now (a CgpuError of status 72). Returns the new version, where it is told. */
  write?: (address: string, file: Blob, options: {signal: AbortSignal; replaces?: string | null | undefined}) => Promise<string | undefined>
}

/** How `cgpu cp SCHEME://… NAME:PATH` fetches a file: on the machine, by HTTP or by a program that it has; and how notebooks are read and written here. */
export interface SchemeRegistration {
  /** unique among all schemes: lower case, `ftp` for `ftp://…` */
  scheme: string
  resolve: SchemeHandler
  /** without it a notebook is read by what `resolve` says, where that goes by HTTP */
  read?: SchemeFiles['read']
  look?: SchemeFiles['look']
  /** without it a notebook cannot be written there */
  write?: SchemeFiles['write']
}

/**
 * Gives the value that a reference of `--secret NAME=SOURCE:REFERENCE` names; undefined: there is none. Throws what the user is to
 * read, which must not hold the value.
 */
export type SecretReader = (reference: string, options: {name: string; signal: AbortSignal}) => Promise<string | undefined> | string | undefined

export interface SecretSourceRegistration {
  /** unique among all sources: lower case, `vault` for `--secret TOKEN=vault:…` */
  source: string
  read: SecretReader
}

/** What is known of an execution that ended. What could not be measured is absent. */
export interface Measurement extends Measured {
  /** of the execution, or of the job */
  id: string
  /** `job`: a program that was left running, told once, by whichever command sees its end first */
  kind: 'exec' | 'run' | 'shell' | 'job'
  runtime: {id: string; name: string; provider: string}
  status: 'ok' | 'error' | 'interrupted' | 'lost'
  /** of the remote program, where it ended with one */
  exitStatus?: number
  /** ISO time at which cgpu saw the end */
  at: string
}

/** Takes a measurement. It has two seconds. */
export type MetricSink = (measurement: Measurement) => Promise<void> | void

export interface MetricSinkRegistration {
  /** unique among all sinks */
  name: string
  sink: MetricSink
}

/** Writes a notebook (nbformat 4, with its outputs) in another format. */
export type NotebookExporter = (notebook: Record<string, unknown>, options: {signal: AbortSignal}) => Promise<string | Uint8Array>

export interface NotebookExporterRegistration {
  /** unique among all formats: lower case, `slides` for `--to slides` */
  format: string
  /** of the file's name, without the dot */
  extension: string
  convert: NotebookExporter
}

/** A step of a pipeline as its executor is told it. */
export interface PipelineStep {
  /** its name in the pipeline */
  id: string
  /** the step's `with` */
  with: Record<string, unknown>
}

/** Does a step; what it returns are the step's outputs. Throws where the step fails. */
export type PipelineExecutor = (step: PipelineStep, options: {signal: AbortSignal}) => Promise<Record<string, unknown>>

export interface PipelineExecutorRegistration {
  /** unique among all executors: lower case, `slurm` for `uses: slurm` */
  name: string
  run: PipelineExecutor
}
