import type {ChildProcessByStdio} from 'node:child_process'
import type {Readable, Writable} from 'node:stream'
import {CgpuError, type ErrorCategory, errors} from '@cgpu/core/errors'
import {isWithinHook} from '../hook-guard.ts'
import type {FailureEnvelope, SuccessEnvelope} from '../envelope.ts'

export interface CallOptions {
  /** its stdin; default: empty */
  input?: string
  /** interrupts it, as Ctrl-C would */
  signal?: AbortSignal
}

/** How cgpu is called: arguments in, the envelope that it prints and its exit status out. */
export type CallCgpu = (args: readonly string[], options?: CallOptions) => Promise<{envelope: SuccessEnvelope | FailureEnvelope; exitStatus: number}>

/** where another way to call is put: a sandbox's broker, which asks what the plugin may do */
const key = Symbol.for('cgpu.call')
/** how deep hooks have called cgpu, whose hooks called cgpu… */
export const depthVariable = 'CGPU_HOOK_DEPTH'

/** For the host: plugins of this process call cgpu by this from now on. */
export function callBy(call: CallCgpu): void {
  Object.assign(globalThis, {[key]: call})
}

/** Calls cgpu in a process of its own, with --json: what it does there is asked of plugins and kept in the history as ever. */
export const callCgpu: CallCgpu = async (args, options) => {
  const call = (globalThis as unknown as Record<symbol, CallCgpu | undefined>)[key] // as callBy leaves it
  return (call ?? bySpawning)(args, options)
}

/** Throws CAPABILITY_MISSING (64) where plugins call cgpu by another way than a process of its own: in a sandbox. */
export function needOwnProcess(what: string): void {
  if (key in globalThis) throw errors.usage(`a plugin in a sandbox cannot ${what}`, {code: 'CAPABILITY_MISSING', category: 'plugin', fix: 'ask for its state now and then: cgpu.jobs.show'})
}

/** cgpu in a process of its own; its stdin and stdout are pipes. */
export async function spawnCgpu<E extends 'inherit' | 'pipe'>(args: readonly string[], stderr: E): Promise<ChildProcessByStdio<Writable, Readable, E extends 'pipe' ? Readable : null>> {
  const {spawn} = await import('node:child_process') // few commands of few plugins need it
  return spawn(process.execPath, [...process.execArgv, '--', process.argv[1] ?? '', ...args], {
    stdio: ['pipe', 'pipe', stderr], windowsHide: true, env: {...process.env, [depthVariable]: String(Number(process.env[depthVariable] ?? 0) + (isWithinHook() ? 1 : 0))},
  }) as ChildProcessByStdio<Writable, Readable, E extends 'pipe' ? Readable : null> // as stdio says
}

const bySpawning: CallCgpu = async (args, {input = '', signal} = {}) => {
  const child = await spawnCgpu(args, 'inherit')
  const stop = (): void => void child.kill('SIGINT')
  signal?.addEventListener('abort', stop, {once: true})
  let stdout = ''
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => (stdout += chunk))
  child.stdin.on('error', () => {}) // a command that reads nothing closes it
  child.stdin.end(input)
  try {
    const exitStatus = await new Promise<number>((resolve, reject) => child.on('error', reject).on('close', (status) => resolve(status ?? 1)))
    return {envelope: JSON.parse(stdout) as SuccessEnvelope | FailureEnvelope, exitStatus} // our own command's answer
  } finally {
    signal?.removeEventListener('abort', stop)
  }
}

/** What the command returns. Throws its CgpuError, unless that says only that the remote code or program failed: then its result is returned. */
export async function dataOf<T>(args: readonly string[], options?: CallOptions): Promise<T> {
  const {envelope, exitStatus} = await callCgpu(args, options)
  if (envelope.ok) return envelope.data as T // as the command's schema says: cgpu schema
  const {code, category, message, fix, retryable, details} = envelope.error
  if (details && (code === 'PROGRAM_FAILED' || code === 'CODE_FAILED')) return details as T // the result, as the command's schema says
  throw new CgpuError(message, {code, category: category satisfies ErrorCategory, exit: exitStatus, fix: fix ?? undefined, retryable, ...(details ? {details} : {})})
}
