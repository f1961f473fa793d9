import {spawn} from 'node:child_process'
import {existsSync} from 'node:fs'
import {homedir} from 'node:os'
import {createInterface} from 'node:readline'
import {findProjectFile, mayDeclareHooks} from '@cgpu/core/config/find-project'
import type {LifecycleListener} from '@cgpu/core/runtime/service'
import type {Dirs} from '@cgpu/core/state/dirs'
import {pluginIndex} from '@cgpu/plugins/install/plugin-index'
import {followedVariable} from '../notebook-followed.ts'
import {hasUserPlugins} from '../shell/own-only.ts'
import {cliProgram} from './program.ts'

interface JobEndedOptions {
  /** of the work that is done */
  env: NodeJS.ProcessEnv
  cwd: string
  dirs: Dirs
  log: (line: string) => void
}

/** Tells plugins, and the project's hooks, of a job's end by `cgpu __job-ended`, in a process of its own: a daemon has no plugins. Never fails; what goes wrong is logged. */
export function jobEndedByCommand({env, cwd, dirs, log}: JobEndedOptions): NonNullable<LifecycleListener['jobEnded']> {
  return async (job, end) => {
    const project = findProjectFile(cwd, homedir())
    if (!(await isTold(dirs.data)) && !(project !== undefined && mayDeclareHooks(project))) return
    const child = spawn(process.execPath, [...cliProgram(), '__job-ended'], {
      cwd: existsSync(cwd) ? cwd : dirs.state, stdio: ['pipe', 'ignore', 'pipe'], windowsHide: true, env: {...env, CGPU_DAEMON: 'off', [followedVariable]: ''},
    })
    const {promise, resolve} = Promise.withResolvers<void>()
    child.on('error', () => resolve()).on('close', () => resolve())
    createInterface({input: child.stderr}).on('line', (line) => log(`job ${job.id}: ${line}`))
    child.stdin.on('error', () => {}) // it ended before it read
    child.stdin.end(JSON.stringify({job, end}))
    await promise
  }
}

/** What the command tells: of the job, and of the notebook that it ran. */
const toldOf = ['job:ended', 'notebook:after', 'cell:after']

/** Whether some plugin has a hook for it, as far as is known without loading any. */
async function isTold(dataDir: string): Promise<boolean> {
  if (!hasUserPlugins(dataDir)) return false
  const {plugins, odd} = await pluginIndex(dataDir)
  return odd !== undefined || plugins.some(({hooks}) => toldOf.some((event) => Object.hasOwn(hooks, event)))
}
