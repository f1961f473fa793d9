import {reportError, toCgpuError} from '@cgpu/plugin-sdk'

/** What nobody caught: one sentence and exit 70 instead of Node's stack and exit 1. */
export function reportCrash(thrown: unknown, argv: readonly string[]): void {
  const error = toCgpuError(thrown, {command: 'cgpu', flagNames: []})
  const verbose = argv.includes('--verbose') || argv.includes('-v')
  reportError(error, {command: '', json: argv.includes('--json'), verbose})
  process.exitCode = error.exit
}

/** For errors outside of any promise that a command awaits. */
export function watchForCrashes(argv: readonly string[]): void {
  process.on('uncaughtException', (error) => {
    reportCrash(error, argv)
    process.exit()
  })
}
