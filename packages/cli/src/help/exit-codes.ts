import {ExitCode} from '@cgpu/core/errors'

export interface ExitMeaning {
  /** a number, or a range as text */
  status: string
  meaning: string
}

const own: Record<keyof typeof ExitCode, string> = {
  ok: 'it worked',
  usage: 'wrong usage: a flag, a name, a file; nothing was started or spent',
  data: 'a file holds what it should not: a notebook, YAML, JSON, a config file',
  notFound: 'not found: a runtime, a file, a kernel, a plugin',
  auth: 'sign-in is needed or was refused',
  quota: 'quota, capacity or budget is used up',
  network: 'the provider or the network cannot be reached',
  internal: 'a bug in cgpu',
  lost: 'the runtime or kernel was lost while work was running',
  conflict: 'a conflict: a concurrent change, a lock',
  cannotWrite: 'cannot write on this machine',
  vetoed: 'vetoed by a plugin or a policy',
  stillRunning: 'only the waiting stopped (--timeout); the work goes on',
  unknownCommand: 'unknown command',
  interrupted: 'interrupted by Ctrl-C',
}

/** Every exit status of cgpu, ascending. */
export function exitMeanings(): ExitMeaning[] {
  const named = Object.entries(own).map(([name, meaning]) => ({status: ExitCode[name as keyof typeof ExitCode], meaning})) // its keys are ExitCode's
  const remote = {status: 1, shown: '1-63', meaning: 'the remote program\'s own status: 1 for a Python exception, what sys.exit() was given'}
  const signal = {status: 128, shown: '128+n', meaning: 'the remote program was killed by signal n'}
  return [...named.map((one) => ({...one, shown: String(one.status)})), remote, signal]
    .sort((a, b) => a.status - b.status)
    .map(({shown, meaning}) => ({status: shown, meaning}))
}
