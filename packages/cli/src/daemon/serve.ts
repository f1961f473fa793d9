import {Cgpu} from '@cgpu/core/cgpu'
import {resolveDirs} from '@cgpu/core/state/dirs'
import {accountsFor} from '../accounts.ts'
import {builtInProviders} from '../providers.ts'
import {followJobs} from './follow-jobs.ts'
import {jobEndedByCommand} from './job-ended-by-command.ts'
import {daemonProgram} from './program.ts'
import {recordExecution} from './record-exec.ts'
import {runSchedules} from './run-schedules.ts'

/** Runs the daemon in this process until it has nothing to do. */
export async function serve({foreground}: {foreground: boolean}): Promise<'ran' | 'another runs'> {
  const {DaemonLog, daemonPlace, runDaemon, workEnv} = await import('@cgpu/daemon')
  const dirs = resolveDirs(process.env)
  const log = new DaemonLog(daemonPlace(dirs.state).log, foreground ? (line) => process.stderr.write(line) : undefined)
  const {version = '', build = ''} = daemonProgram() ?? {}
  const idleMs = Number(process.env['CGPU_DAEMON_IDLE'])
  const everyMs = Number(process.env['CGPU_DAEMON_TASKS_MS']) || undefined
  process.title = 'cgpu daemon'
  process.on('unhandledRejection', (error) => log.write(`unhandled: ${error instanceof Error ? error.stack ?? error.message : String(error)}`))
  try {
    return await runDaemon({
      dirs, env: process.env, version, build, log, record: recordExecution({version, log: log.write}),
      tasks: [followJobs({envOf: (context) => workEnv(process.env, context), everyMs})],
      own: [runSchedules({state: dirs.state, env: process.env, everyMs})],
      ...(idleMs > 0 ? {idleMs} : {}),
      open: async (context, flags, onWarning) => {
        const {cwd} = context
        const env = workEnv(process.env, context)
        const asked = resolveDirs(env)
        return Cgpu.open({dirs: asked, env, cwd, flags, onWarning, providers: builtInProviders, accounts: accountsFor({dirs: asked, env, onWarning}), lifecycle: {jobEnded: jobEndedByCommand({env, cwd, dirs: asked, log: (line) => log.write(line)})}})
      },
    })
  } catch (error) {
    log.write(`cannot run: ${error instanceof Error ? error.message : String(error)}`)
    throw error
  }
}
