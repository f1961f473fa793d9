import type {ExecutionEvent} from '../execution/events.ts'
import {newRunId} from '../execution/id.ts'
import type {RuntimeSession, UserKernel} from '../runtime/session.ts'

export type RestartNotice = Extract<ExecutionEvent, {type: 'notice'}>

/** What a process that is gone had done, as far as the machine knows. */
export interface FormerProcess {
  /** that cgpu had run in it */
  cells: number
}

/** Says, before code runs on it, that a kernel has lost what people believe to be in it. */
export function restartNotice({kernel, key}: Pick<UserKernel, 'kernel' | 'key'>, runtime: string, former?: FormerProcess): RestartNotice {
  const count = former === undefined || former.cells === 0 ? '' : ` (${former.cells} ${former.cells === 1 ? 'cell' : 'cells'} had run in it)`
  return {
    type: 'notice', code: 'KERNEL_RESTARTED',
    message: `the kernel ${key ?? kernel.id.slice(0, 8)} on ${runtime} was restarted since it was last used from here: its variables and imports are gone${count}`,
  }
}

/** The same for a kernel on which nothing is about to run: asks which process it is by now. Undefined: the same as before. */
export async function restartOf(session: RuntimeSession, opened: UserKernel): Promise<RestartNotice | undefined> {
  if (!(await session.wasRestarted(opened))) return undefined
  const {CellRecorder} = await import('../agent/cell.ts')
  const recorder = opened.kernel.language === 'python' ? await CellRecorder.begin(opened.connection, newRunId(), {home: session.endpoint.agentHome}) : null
  return restartNotice(opened, session.record.name, recorder?.former)
}
