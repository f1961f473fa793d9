import type {Settings} from '@cgpu/core/config/resolve'
import {ensureDaemon, poke} from '@cgpu/daemon/client'
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

/** A job was left running: the daemon looks after it from now on. One that is started for it looks by itself. */
export async function leaveToDaemon(dirs: {state: string}, settings: Settings, env: NodeJS.ProcessEnv = process.env): Promise<void> {
  if (settings.text('daemon') === 'off') return
  const program = daemonProgram()
  if (program && ensureDaemon(dirs, env, program, {start: true}) === 'running') await poke(dirs, env, program, {task: 'jobs'})
}
