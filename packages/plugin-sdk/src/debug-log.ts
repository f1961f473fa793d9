import type {CgpuError} from '@cgpu/core/errors'
import {TraceRing} from '@cgpu/core/debug/ring'
import {resolveDirs} from '@cgpu/core/state/dirs'

/** What this process did so far: one command, or the crash of one. */
export const traces = new TraceRing()
/** a set: the same token is read again for every connection */
const secrets = new Set<string>()
const startedAt = new Date(Date.now() - performance.now())

export interface Ended {
  command: string
  argv: readonly string[]
  program?: readonly string[]
  version: string
  exitStatus: number
  error?: CgpuError | undefined
  /** already known, else found out from the environment */
  dataDir?: string
}

/** Whether the status is one of cgpu's own failures, not a program's, an interruption or a mistyped command. */
export const isOwnFailure = (status: number): boolean => status >= 64 && status <= 75

/** A secret that this process got to know: whoever repeats it, it is not in the log. */
export const keepOutOfDebugLog = (secret: string): void => void secrets.add(secret)

/** Leaves a debug log of this process. What writes it is loaded only now. Never throws. */
export async function leaveDebugLog({dataDir, program = [], ...ended}: Ended): Promise<void> {
  try {
    const {writeDebugLog} = await import('@cgpu/core/debug/log')
    writeDebugLog(resolveDirs(process.env, dataDir === undefined ? {} : {dataDir}).state, {...ended, program, secrets, ring: traces, startedAt})
  } catch {
    // a broken installation: the command's own error says more
  }
}
