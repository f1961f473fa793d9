import type {Cgpu} from '../cgpu.ts'
import {Jobs} from './jobs.ts'
import {JobStore} from './store.ts'

/** The jobs of this process's user. Apart from Cgpu, so that commands without jobs load nothing of them. */
export function jobsOf(cgpu: Cgpu): Jobs {
  const onWarning = (message: string): void => cgpu.warn(message)
  return new Jobs({runtimes: cgpu.runtimes, connect: (record, more) => cgpu.connect(record, more), store: new JobStore(cgpu.dirs.state, onWarning), realms: cgpu.realms, onWarning})
}
