/** Stands in for `@cgpu/plugin-sdk`: the same names, answered by cgpu over the channel. */
import {Command} from './command.ts'
import {boolean, type Definition} from './definitions.ts'
import {type Answer, ask, CgpuError, tell} from './host.ts'
import {sanitizeLine} from './text.ts'

export {runCommand} from './command.ts'
export {CgpuError} from './host.ts'
export {inert, sanitizeLine} from './text.ts'

export const CONTRACT = 1

export const ExitCode = {
  ok: 0, usage: 64, data: 65, notFound: 66, auth: 67, quota: 68, network: 69, internal: 70, lost: 71, conflict: 72, cannotWrite: 73, vetoed: 75,
  stillRunning: 124, unknownCommand: 127, interrupted: 130,
} as const

const kind = (category: string, exit: number) => (message: string, options: Omit<Answer, 'message'> = {}): CgpuError => new CgpuError(message, {category, exit, ...options})

export const errors = {
  usage: kind('usage', 64), data: kind('usage', 65), notFound: kind('runtime', 66), auth: kind('auth', 67), quota: kind('quota', 68), network: kind('network', 69),
  lost: kind('runtime', 71), conflict: kind('runtime', 72), cannotWrite: kind('file', 73), vetoed: kind('plugin', 75), stillRunning: kind('runtime', 124), interrupted: kind('runtime', 130),
}

export const globalFlags: Record<string, Definition> = {json: boolean(), quiet: boolean({char: 'q'}), verbose: boolean({char: 'v'})}

/** Variables are the host's: an untrusted plugin's flags have none. */
export const withEnv = <T>(flags: T): T => flags

/** As the SDK's: a file's default export, typed. */
export const defineHook = <T>(_event: string, hook: T): T => hook

/** What these register is a function in cgpu's process: that they are there lets a file load, and nobody asks them here. */
const withheld = () => async (): Promise<undefined> => undefined
export {
  withheld as defineMetricSink, withheld as defineNotebookExporter, withheld as definePipelineExecutor, withheld as defineProvider, withheld as defineScheme, withheld as defineSecretSource,
}

export interface RuntimeInfo {
  id: string
  name: string
  provider: string
  state?: string
  accelerator?: string
}

export interface Executed {
  status: 'ok' | 'error' | 'interrupted'
  exitStatus: number
  stdout: string
  stderr: string
  /** what the last expression shows as text */
  result: string | null
  truncated: boolean
  error: {name: string; value: string} | null
}

export interface Fetched {
  status: number
  headers: Record<string, string>
  url: string
  body: Uint8Array
  text(): string
  json(): unknown
}

export abstract class CgpuCommand<T = unknown> extends Command {
  static override baseFlags: Record<string, Definition> = globalFlags

  abstract override run(): Promise<T>

  /** `runtimes` */
  readonly runtimes = {
    list: () => ask<RuntimeInfo[]>('runtimes.list'),
    create: (wish: {name?: string; provider?: string; accelerator?: string} = {}) => ask<RuntimeInfo>('runtimes.create', wish),
    release: (name: string) => ask<RuntimeInfo>('runtimes.release', {name}),
  }

  /** `kernel`: code on a runtime, and what it printed */
  readonly kernels = {execute: (code: string, options: {runtime?: string; timeoutMs?: number} = {}) => ask<Executed>('kernel.execute', {code, ...options})}

  /** `secrets` */
  readonly secrets = {get: async (name: string) => (await ask<{value: string}>('secrets.get', {name})).value}

  /** `files`: paths as they were declared */
  readonly files = {
    read: async (path: string): Promise<Uint8Array> => Buffer.from((await ask<{data: string}>('files.read', {path})).data, 'base64'),
    write: (path: string, data: Uint8Array | string) => ask<{bytes: number}>('files.write', {path, data: Buffer.from(data).toString('base64')}),
    list: (path: string) => ask<{name: string; kind: 'file' | 'folder' | 'other'; size: number}[]>('files.list', {path}),
  }

  /** `exec`: a program of the user's computer, without a shell */
  readonly programs = {run: (program: string, args: string[] = [], options: {input?: string} = {}) => ask<{exitStatus: number; stdout: string; stderr: string}>('exec.run', {program, args, ...options})}

  /** `net` */
  async fetch(url: string, options: {method?: string; headers?: Record<string, string>; body?: Uint8Array | string} = {}): Promise<Fetched> {
    const {body, ...rest} = options
    const answer = await ask<{status: number; headers: Record<string, string>; url: string; body: string}>('net.fetch', {url, ...rest, ...(body === undefined ? {} : {body: Buffer.from(body).toString('base64')})})
    const bytes = Buffer.from(answer.body, 'base64')
    return {...answer, body: bytes, text: () => bytes.toString('utf8'), json: () => JSON.parse(bytes.toString('utf8')) as unknown}
  }

  protected notice(message: string): void {
    tell({type: 'notice', text: message})
  }

  protected trace(message: string): void {
    tell({type: 'trace', text: message})
  }

  /** What is being done; of `done` and `total` a share is shown. */
  protected progress(message: string, {done, total}: {done?: number; total?: number} = {}): void {
    tell({type: 'progress', text: message, ...(done === undefined ? {} : {done}), ...(total === undefined ? {} : {total})})
  }

  /** Rows under their headings. */
  protected table(rows: readonly Record<string, unknown>[], columns: readonly string[] = Object.keys(rows[0] ?? {})): void {
    const cells = [columns.map((name) => name.toUpperCase()), ...rows.map((row) => columns.map((name) => sanitizeLine(shown(row[name]))))]
    const widths = columns.map((_, at) => Math.max(...cells.map((line) => line[at]?.length ?? 0)))
    for (const line of cells) this.log(line.map((cell, at) => (at === line.length - 1 ? cell : cell.padEnd(widths[at] ?? 0))).join('  '))
  }

  /** The status to end with, where the result is to be printed all the same. */
  protected exitWith(status: number): void {
    tell({type: 'status', status})
  }
}

const shown = (value: unknown): string => (typeof value === 'string' ? value : value === undefined || value === null ? '' : JSON.stringify(value))
