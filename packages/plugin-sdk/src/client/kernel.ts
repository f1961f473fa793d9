import {type CgpuError, errors} from '@cgpu/core/errors'
import type {CgpuCommand} from '../command.ts'

/** A message of Jupyter's protocol that a kernel sent about code that runs; `date` is the kernel's own, ISO 8601. */
export interface KernelMessage {
  channel: 'shell' | 'iopub' | 'stdin' | 'control'
  type: string
  /** of the request that it is about */
  parent: string
  date?: string
  content: Record<string, unknown>
  metadata: Record<string, unknown>
  /** views of what was received: copy what you keep */
  buffers: Uint8Array[]
}

/** A kernel that an earlier piece of work left running. */
export interface KeptKernel {
  /** ids, of the runtime and of the kernel */
  runtime: string
  kernel: string
  /** how many executions it may have seen, as `executionCount` counts them: with another count somebody else used it. Only IPython's kernels are asked */
  executions?: readonly number[]
}

export interface KeepRequest {
  /** the first of these that runs on the runtime is used again; what is busy is interrupted first */
  again?: readonly KeptKernel[]
  /** those of these that run on the runtime are ended */
  end?: readonly KeptKernel[]
}

export interface KernelRequest {
  /** the runtime, by name or unique prefix; default: as for `cgpu exec` */
  runtime?: string | undefined
  account?: string | undefined
  /** the kernelspec; default: the runtime's own */
  kernel?: string | undefined
  /** where the kernel works, below the runtime's working folder */
  cwd?: string | undefined
  /** how long the kernel may take to answer; default 60_000 */
  startTimeoutMs?: number | undefined
  /** what is going to run, as plugins are asked about it (`execution:before`) */
  code: string
  /** kept in the history as a run of this notebook, which `cgpu notebook run FILE ARGS` does again on the same runtime; default: as code */
  notebook?: {file: string; args: readonly string[]} | undefined
  /** names of secrets that the code may ask for, where the runtime's libraries can */
  secrets?: readonly string[]
  /** leaves the kernel running when the work is over */
  keep?: KeepRequest | undefined
  signal?: AbortSignal | undefined
  /** called when the runtime is chosen and no plugin forbids it, before the kernel starts: files that it needs can be sent now */
  before?: (runtime: {id: string; name: string; provider: string}) => Promise<void>
  /** told when the connection is lost, and when it is back */
  onLink?: (state: 'reconnecting' | 'connected', reason: string) => void
}

export interface KernelExecuteOptions {
  /** every message about this execution, in the order in which they came; a promise holds the next ones back */
  onMessage?: (message: KernelMessage) => void | Promise<void>
  /** answers `input()`; absent: code that asks for input fails */
  onInput?: (prompt: string, password: boolean) => Promise<string>
  /** some of the output was lost on the way: all of it comes again, as more messages, when the code is over; absent: `onGap` is told instead */
  onReplay?: () => void
  /** output is missing, and why, in words */
  onGap?: (why: string) => void
  /** gives the execution up: it rejects with the signal's reason, the code may go on */
  signal?: AbortSignal
}

export interface KernelReply {
  status: 'ok' | 'error' | 'aborted' | 'unknown'
  executionCount?: number
  error?: {name: string; value: string; traceback: string[]}
}

/** A kernel of its own, ended when the work with it is. What it throws is a CgpuError: KERNEL_DIED (71) where its process is gone. */
export interface OwnKernel {
  id: string
  /** what became of the kept one: used `again`; in place of one that is `gone`, that somebody else `used`, or that stays `busy`, this one is fresh. Absent: there was none */
  kept?: 'again' | 'gone' | 'used' | 'busy'
  runtime: {id: string; name: string; provider: string}
  /** its kernelspec */
  name: string
  language: string
  /** the kernel's `kernel_info_reply` */
  info: Record<string, unknown>
  execute(code: string, options?: KernelExecuteOptions): Promise<KernelReply>
  /** Ctrl-C for the code that runs */
  interrupt(): Promise<void>
  /** a message on the shell channel that has no reply, such as `comm_msg` */
  send(type: string, content: object): Promise<void>
}

/** How the work with a kernel ended, as plugins are told and the history keeps it. */
export interface KernelWork {
  /** default: 0 */
  exitStatus?: number
  /** the kernel or its machine went away, and the work knows no more than that */
  lost?: CgpuError
}

/** How the host opens kernels for plugins of its process. */
export type KernelHosting = <R extends KernelWork>(command: CgpuCommand, request: KernelRequest, work: (kernel: OwnKernel) => Promise<R>) => Promise<R>

const key = Symbol.for('cgpu.kernels')

/** For the host: plugins of this process get kernels by this from now on. */
export function kernelsBy(hosting: KernelHosting): void {
  Object.assign(globalThis, {[key]: hosting})
}

/**
 * Starts a kernel on a runtime, gives it to `work`, and ends it, unless it is to be kept. Plugins are asked before and told afterwards, as of `cgpu exec`. Throws
 * what `work` does, KERNEL_NOT_FOUND (66), KERNEL_START_TIMEOUT (71), VETOED (75), and CAPABILITY_MISSING (64) in a sandbox.
 */
export const withKernel: KernelHosting = async (command, request, work) => {
  const hosting = (globalThis as unknown as Record<symbol, KernelHosting | undefined>)[key] // as kernelsBy leaves it
  if (!hosting) throw errors.usage('a plugin in a sandbox cannot open a kernel', {code: 'CAPABILITY_MISSING', category: 'plugin', fix: 'let it run code with cgpu.exec'})
  return hosting(command, request, work)
}
