import {exitRequest, reportError, toCgpuError} from '@cgpu/plugin-sdk'

/** What nobody caught: one sentence and exit 70 instead of Node's stack and exit 1; commands that are not ours end here too. */
export function reportCrash(thrown: unknown, argv: readonly string[], {id = '', flagNames = []}: {id?: string; flagNames?: string[]} = {}): void {
  const leave = exitRequest(thrown)
  if (leave !== undefined) {
    process.exitCode = leave
    return
  }
  const error = toCgpuError(thrown, {command: ['cgpu', ...id.split(':')].join(' ').trim(), flagNames})
  const verbose = argv.includes('--verbose') || argv.includes('-v')
  reportError(error, {command: id, json: argv.includes('--json'), verbose})
  process.exitCode = error.exit
}

/** For errors outside of any promise that a command awaits. */
export function watchForCrashes(argv: readonly string[]): void {
  process.on('uncaughtException', (error: NodeJS.ErrnoException) => {
    // the terminal was closed, and @oclif/core's own listener throws that: SIGHUP tells what to do, such as to release a runtime
    if (error.code === 'EIO' && error.syscall === 'write') return
    reportCrash(error, argv)
    process.exit()
  })
}
