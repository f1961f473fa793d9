import {exitRequest, isOwnFailure, leaveDebugLog, reportError, strayOfHook, toCgpuError} from '@cgpu/plugin-sdk'

export interface Crashed {
  id?: string
  flagNames?: string[]
  /** cgpu's, for the debug log */
  version?: string
}

/**
 * What nobody caught: one sentence and exit 70 instead of Node's stack and exit 1; commands that are not ours end here too.
 * Reported and with its status set at once, then a debug log is left.
 */
export async function reportCrash(thrown: unknown, argv: readonly string[], {id = '', flagNames = [], version = ''}: Crashed = {}): Promise<void> {
  const leave = exitRequest(thrown)
  if (leave !== undefined) {
    process.exitCode = leave
    return
  }
  const error = toCgpuError(thrown, {command: ['cgpu', ...id.split(':')].join(' ').trim(), flagNames})
  const verbose = argv.includes('--verbose') || argv.includes('-v')
  reportError(error, {command: id, json: argv.includes('--json'), verbose})
  process.exitCode = error.exit
  // which part of the command line is code is not known here
  if (isOwnFailure(error.exit)) await leaveDebugLog({command: id, argv: [], program: argv, version, exitStatus: error.exit, error})
}

/** For errors outside of any promise that a command awaits. */
export function watchForCrashes(argv: readonly string[], version = ''): void {
  let crashed = false
  process.on('uncaughtException', (error: NodeJS.ErrnoException) => {
    // the terminal was closed, and @oclif/core's own listener throws that: SIGHUP tells what to do, such as to release a runtime
    if (error.code === 'EIO' && error.syscall === 'write') return
    if (strayOfHook(error)) return
    // while the first one's log is written, nothing that follows from it counts
    if (crashed) return
    crashed = true
    void leaveAfter(reportCrash(error, argv, {version}))
  })
}

/** Ends with the status that the report has set, whatever else may set one until its log is written. */
async function leaveAfter(reported: Promise<void>): Promise<void> {
  const status = process.exitCode
  try {
    await reported
  } finally {
    process.exit(status)
  }
}
