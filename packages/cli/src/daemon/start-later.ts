import type {Settings} from '@cgpu/core/config/resolve'
import {ensureDaemon} from '@cgpu/daemon/client'
import {daemonProgram} from './program.ts'

/** Starts the daemon when this command is all done, unless somebody is against it. */
export function startDaemonLater(dirs: {state: string}, settings: Settings, env: NodeJS.ProcessEnv = process.env): void {
  const wish = settings.text('daemon')
  if (wish === 'off' || (wish === 'auto' && env['CI'])) return
  process.once('beforeExit', () => {
    const program = daemonProgram()
    if (program) ensureDaemon(dirs, env, program, {start: true})
  })
}
