import type {ConfigEntryJson, ExecJson, RunJson, RuntimeJson} from '@cgpu/core/schema/types'
import {type CallOptions, dataOf, needOwnProcess} from './call.ts'
import type {FollowEvent, FollowOptions} from './follow.ts'

/** Flags by their long names: `true` stands alone, lists are given several times, undefined ones are left out. */
export type Flags = Readonly<Record<string, string | number | boolean | readonly string[] | undefined>>

export interface KernelInfo {
  id: string
  name: string
  state: string
}

export interface JobSummary {
  id: string
  runtime: string
  state: string
  exitStatus: number | null
  /** the program and its arguments, as they run on the machine; absent: it cannot be asked */
  argv?: string[]
  /** as it was typed; only where it was started from here */
  command?: string[]
}

export interface FileInfo {
  path: string
  size?: number
}

export interface HistoryItem {
  id: string
  kind: string
  status: string
}

export interface ScheduleInfo {
  name: string
  /** the command, without `cgpu` */
  argv: string[]
  /** ISO time of the next run; null: none is due */
  nextAt: string | null
}

/**
 * cgpu's commands as functions. Each is a command with --json in a process of its own, so that all of its rules hold: plugins are asked,
 * the history is kept, what fails throws the command's CgpuError. Code or a program that fails is a result with its exit status.
 */
export const cgpu = {
  /** Any command: `call(['doctor'])`. */
  call: <T = unknown>(args: readonly string[], options?: CallOptions): Promise<T> => dataOf<T>([...args, '--json'], options),

  /** Runs code on a kernel. `flags`: of `cgpu exec`, such as `runtime`, `kernel`, `timeout`. */
  exec: (code: string, flags: Flags = {}, options?: CallOptions): Promise<ExecJson> => dataOf(['exec', ...words(flags), '--json', '-'], {...options, input: code}),

  /** Runs a program to its end. `flags`: of `cgpu run`, such as `runtime`, `gpu`, `env`, `packages`. */
  run: (argv: readonly string[], flags: Flags = {}, options?: CallOptions): Promise<RunJson> => dataOf(['run', ...words(flags), '--json', '--', ...argv], options),

  /** Uploads a script of this computer and leaves it running. `flags`: of `cgpu run`. Returns its job. */
  detach: (script: string, args: readonly string[] = [], flags: Flags = {}, options?: CallOptions): Promise<JobSummary> => dataOf(['run', '--detach', ...words(flags), '--json', script, ...args], options),

  /**
   * Follows a job: its output from the beginning and as it comes, to its end; returns its exit status. Its outputs are brought back and its
   * machine is given back as by `cgpu job attach`, whose `flags` these are. Throws what that does, and CAPABILITY_MISSING (64) in a sandbox.
   */
  follow: async (job: string, onEvent: (event: FollowEvent) => void, flags: Flags = {}, options: FollowOptions = {}): Promise<number> => {
    needOwnProcess('follow a job')
    return (await import('./follow.ts')).follow(['job', 'attach', job, ...words(flags)], onEvent, options)
  },

  runtimes: {
    list: (): Promise<RuntimeJson[]> => dataOf(['runtime', 'list', '--json']),
    show: (name: string): Promise<RuntimeJson> => dataOf(['runtime', 'show', name, '--json']),
    /** `flags`: of `cgpu runtime create`, such as `name`, `gpu`, `provider` */
    create: (flags: Flags = {}, options?: CallOptions): Promise<RuntimeJson> => dataOf(['runtime', 'create', ...words(flags), '--json'], options),
    release: (name: string): Promise<unknown> => dataOf(['runtime', 'release', name, '--json']),
  },

  kernels: {
    list: (flags: Flags = {}): Promise<KernelInfo[]> => dataOf(['kernel', 'list', ...words(flags), '--json']),
    restart: (kernel: string, flags: Flags = {}): Promise<unknown> => dataOf(['kernel', 'restart', kernel, ...words(flags), '--json']),
  },

  jobs: {
    /** Starts a program and leaves it running. */
    start: (argv: readonly string[], flags: Flags = {}, options?: CallOptions): Promise<JobSummary> => dataOf(['run', '--detach', ...words(flags), '--json', '--', ...argv], options),
    list: (flags: Flags = {}): Promise<JobSummary[]> => dataOf(['job', 'list', ...words(flags), '--json']),
    show: (id: string): Promise<JobSummary> => dataOf(['job', 'show', id, '--json']),
    /** Its output so far. */
    logs: (id: string): Promise<{stdout: string; stderr: string}> => dataOf(['job', 'logs', id, '--json']),
    cancel: (id: string): Promise<unknown> => dataOf(['job', 'cancel', id, '--json']),
  },

  /** Places are NAME:PATH, as on the command line. */
  files: {
    list: (place: string): Promise<FileInfo[]> => dataOf(['fs', 'ls', place, '--json']),
    copy: (from: string, to: string, flags: Flags = {}, options?: CallOptions): Promise<unknown> => dataOf(['cp', from, to, ...words(flags), '--json'], options),
    remove: (place: string): Promise<unknown> => dataOf(['fs', 'rm', place, '--json']),
  },

  history: {
    list: (flags: Flags = {}): Promise<HistoryItem[]> => dataOf(['history', 'list', ...words(flags), '--json']),
  },

  schedules: {
    /** Has a command of cgpu run at set times, in this folder. `flags`: of `cgpu schedule create`, such as `cron`, `every`. */
    create: (name: string, argv: readonly string[], flags: Flags, options?: CallOptions): Promise<ScheduleInfo> => dataOf(['schedule', 'create', name, ...words(flags), '--json', '--', ...argv], options),
    list: (): Promise<ScheduleInfo[]> => dataOf(['schedule', 'list', '--json']),
    remove: (name: string): Promise<unknown> => dataOf(['schedule', 'rm', name, '--json']),
  },

  settings: {
    list: (): Promise<ConfigEntryJson[]> => dataOf(['config', 'list', '--json']),
    /** null: not set anywhere */
    get: async (key: string): Promise<string | boolean | null> => (await dataOf<ConfigEntryJson>(['config', 'get', key, '--json'])).value,
  },

  secrets: {
    /** Their names; values are given to runs by name: `run(argv, {secret: ['HF_TOKEN']})`. */
    list: (): Promise<{name: string}[]> => dataOf(['secret', 'list', '--json']),
  },
} as const

function words(flags: Flags): string[] {
  return Object.entries(flags).flatMap(([name, value]) => {
    if (value === undefined || value === false) return []
    if (value === true) return [`--${name}`]
    return [value].flat().map((one) => `--${name}=${String(one)}`)
  })
}
