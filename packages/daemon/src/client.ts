import {lives} from '@cgpu/core/state/self'
import {askDaemon, connectDaemon} from './connect.ts'
import {contextOf, daemonEnv} from './context.ts'
import {daemonPlace, exposed, readDaemonRecord} from './place.ts'

export {connectDaemon, askDaemon, type ConnectOptions, type Greeted, greetingLimitMs} from './connect.ts'
export {type ClientContext, contextOf, keyOf, processPart, secretOf} from './context.ts'
export {type DaemonPlace, daemonPlace, type DaemonRecord, protocolVersion, readDaemonRecord} from './place.ts'
export {DaemonExec, type ExecEnd, type ExecHandlers, type ExecQuestion} from './exec-client.ts'
export {errorOf, type RemoteFailure} from './failure.ts'
export {type LookQuestion} from './look.ts'
export type {DaemonStatus, SessionStatus, TaskStatus} from './status.ts'

const fs = process.getBuiltinModule('node:fs')

/** The daemon's program, which whoever has the providers gives: see packages/cli/src/daemon. */
export interface DaemonProgram {
  /** what node runs */
  entry: string
  build: string
  nodeArgs?: readonly string[]
}

/**
 * Whether a daemon of this build runs; with `start`, one is started in the background where none does, and the answer is
 * `starting`. Does not wait for it, and never throws: without a daemon everything works, only slower.
 */
export function ensureDaemon(dirs: {state: string}, env: NodeJS.ProcessEnv, program: DaemonProgram, {start = false, onProblem}: {start?: boolean; onProblem?: (error: unknown) => void} = {}): 'running' | 'starting' | 'none' {
  const record = readDaemonRecord(dirs.state)
  if (typeof record !== 'string' && record.build === program.build && lives(record.pid)) return 'running'
  if (!start) return 'none'
  try {
    startProcess(dirs.state, env, program)
    return 'starting'
  } catch (error) {
    onProblem?.(error)
    return 'none'
  }
}

/** Lets the daemon's tasks look at once whether there is something to do. False: there is none that listens. */
export async function poke(dirs: {state: string}, env: NodeJS.ProcessEnv, program: Pick<DaemonProgram, 'build'>, {task, waitMs = 0}: {task?: string; waitMs?: number} = {}): Promise<boolean> {
  const deadline = performance.now() + waitMs
  for (;;) {
    const greeted = await connectDaemon({state: dirs.state, build: program.build})
    if ('wire' in greeted) {
      const context = contextOf(env, process.cwd())
      const answer = await askDaemon(greeted.wire, {t: 'poke', ...(task === undefined ? {} : {task}), ...(context ? {context} : {})})
      greeted.wire.destroy()
      return answer?.t === 'poked'
    }
    if (performance.now() >= deadline) return false
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}

/** Its first words and its last ones, should it crash, go to the log. It replaces one of another build by itself. */
function startProcess(state: string, env: NodeJS.ProcessEnv, {entry, nodeArgs = []}: DaemonProgram): void {
  const {spawn} = process.getBuiltinModule('node:child_process')
  const {folder, log} = daemonPlace(state)
  fs.mkdirSync(folder, {recursive: true, mode: 0o700})
  const wrong = exposed(folder, 'folder')
  if (wrong !== undefined) throw new Error(`its folder ${folder} cannot be trusted: ${wrong}`)
  const out = fs.openSync(log, 'a', 0o600)
  try {
    const child = spawn(process.execPath, [...nodeArgs, '--', entry], {cwd: folder, detached: true, env: daemonEnv(env), stdio: ['ignore', out, out], windowsHide: true})
    child.on('error', () => undefined)
    child.unref()
  } finally {
    fs.closeSync(out)
  }
}
