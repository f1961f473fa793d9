import {CgpuError} from '@cgpu/core/errors'
import {announce, type DaemonOptions, type StartMessage} from './daemon.ts'
import {runEmulator} from './run.ts'

/** The emulator's process: told what to do by its parent, over IPC, once. */
async function serve(options: DaemonOptions): Promise<void> {
  const emulator = await runEmulator(options)
  await announce(emulator)
  tell({ready: true})
  // what the first request needs, while nobody waits
  await Promise.all([import('./control/app.ts'), import('./admin/app.ts')])
  await emulator.closed
  process.exit(0)
}

function tell(message: StartMessage): void {
  process.send?.(message, () => {
    if (process.connected) process.disconnect()
  })
}

process.once('message', (options: DaemonOptions) => {
  serve(options).catch((error: unknown) => {
    console.error(error)
    const known = error instanceof CgpuError
    const {message, code, exit, fix, details} = known ? error : {message: error instanceof Error ? error.message : String(error), code: 'EMULATOR_BUG', exit: 70, fix: undefined, details: undefined}
    process.send?.({ready: false, error: {message, code, exit, fix, details}} satisfies StartMessage, () => process.exit(1))
  })
})
