import type {Settings} from '@cgpu/core/config/resolve'
import {ensureDaemon, poke} from '@cgpu/daemon/client'
import {daemonProgram} from './program.ts'

let planned = false

/** Starts the daemon when this command is all done, unless somebody is against it. Kernel after kernel of one command asks for it: once is enough. */
export function startDaemonLater(dirs: {state: string}, settings: Settings, env: NodeJS.ProcessEnv = process.env): void {
  const wish = settings.text('daemon')
  if (wish === 'off' || (wish === 'auto' && env['CI'])) return
  if (planned) return
  planned = true
  process.once('beforeExit', () => {
    const program = daemonProgram()
    if (program) ensureDaemon(dirs, env, program, {start: true})
  })
}

/**
 * A job was left running, or there is something new in the schedules: the daemon looks after it from now on. One that is started for
 * it looks by itself. False: nobody does.
 */
export async function leaveToDaemon(dirs: {state: string}, settings: Settings, {task = 'jobs', env = process.env}: {task?: 'jobs' | 'schedules'; env?: NodeJS.ProcessEnv} = {}): Promise<boolean> {
  if (settings.text('daemon') === 'off') return false
  const program = daemonProgram()
  const daemon = program ? ensureDaemon(dirs, env, program, {start: true}) : 'none'
  if (program && daemon === 'running') await poke(dirs, env, program, {task})
  return daemon !== 'none'
}
