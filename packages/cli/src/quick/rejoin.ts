import {Cgpu} from '@cgpu/core/cgpu'
import {RejoinedExecution, type RejoinOptions} from '@cgpu/core/execution/rejoin'
import type {Dirs} from '@cgpu/core/state/dirs'
import {accountsFor} from '../accounts.ts'
import {builtInProviders} from '../providers.ts'

export interface Rejoin extends RejoinOptions {
  dirs: Dirs
  env: NodeJS.ProcessEnv
  /** id of the runtime */
  runtime: string
  onWarning: (message: string) => void
}

export interface Rejoined extends Pick<RejoinedExecution, 'result' | 'interrupt'> {
  close: () => Promise<void>
}

/** Follows an execution whose daemon is gone, without one. */
export async function rejoin({dirs, env, runtime, onWarning, ...options}: Rejoin): Promise<Rejoined> {
  const cgpu = await Cgpu.open({dirs, env, cwd: process.cwd(), providers: builtInProviders, accounts: accountsFor({dirs, env, onWarning}), onWarning})
  const session = await cgpu.connect(await cgpu.runtimes.select(runtime))
  // the daemon, which began to keep it, is gone
  const history = cgpu.settings.on('history') ? await import('../history/record.ts') : undefined
  const to = {stateDir: dirs.state, version: '', onWarning}
  const execution = new RejoinedExecution(session, options)
  const result = execution.result.then(async (outcome) => {
    await history?.recordJobEnd(options.id, outcome, to)
    return outcome
  }, async (error: unknown) => {
    await history?.recordFailure(options.id, error, performance.now() - options.startedAt, to)
    throw error
  })
  return {result, interrupt: () => execution.interrupt(), close: () => session.close()}
}
