import {readdir} from 'node:fs/promises'
import {constants} from 'node:os'
import {join} from 'node:path'
import {ExitCode, type HookHost, sanitizeLine} from '@cgpu/plugin-sdk'
import type {Notebook} from '../format/model.ts'
import type {NotebookEnd} from '../hooks/outcome.ts'
import {FollowedHooks} from './hooks.ts'
import {readOutline} from './outline.ts'
import {outputsIn, remoteFolder} from './place.ts'
import {folderOfJob, remembered, type Remembered} from './remembered.ts'

export interface EndedRun {
  /** of the run, on this computer */
  folder: string
  known: Remembered | undefined
  copy: Notebook | undefined
  job: {exitStatus: number | null}
}

/** Tells plugins of a run that is over and that nobody followed to its end: what its copy tells of its cells, and how its job ended. What was told before is not told again. */
export async function tellEnd(host: HookHost, {folder, known, copy, job}: EndedRun): Promise<void> {
  const hooks = await FollowedHooks.of(host, folder, known)
  await hooks?.endedAlone(endOfJob(job.exitStatus), copy)
}

/** The same of a job that another command saw the end of: what it brought here is all that is asked. */
export async function tellEndOfJob(host: HookHost, job: string, {exitStatus, dataDir}: {exitStatus: number | null; dataDir: string}): Promise<void> {
  const folder = await folderOfJob(job, dataDir)
  const known = folder === undefined ? undefined : await remembered(folder)
  if (folder === undefined || !known) return
  await tellEnd(host, {folder, known, copy: await broughtCopy(folder), job: {exitStatus}})
}

/** Undefined: none came. */
async function broughtCopy(folder: string): Promise<Notebook | undefined> {
  const copies = join(outputsIn(folder), remoteFolder)
  const [name] = await readdir(copies).catch(() => [])
  return name === undefined ? undefined : readOutline(join(copies, name), sanitizeLine(name)).catch(() => undefined)
}

/** The driver ends with the status of the run, or of the signal that ended that; by others it is killed. */
function endOfJob(exitStatus: number | null): NotebookEnd {
  if (exitStatus === 0) return {status: 'ok', exitStatus, cells: 0}
  const signal = (exitStatus ?? 0) - 128
  if (exitStatus === null || signal === constants.signals.SIGKILL || exitStatus === ExitCode.lost) {
    return {status: 'lost', exitStatus: ExitCode.lost, cells: 0, error: {code: 'OUTCOME_UNKNOWN', message: 'what ran the notebook is gone'}}
  }
  const interrupted = [constants.signals.SIGINT, constants.signals.SIGTERM, constants.signals.SIGHUP].includes(signal)
  return {
    status: interrupted ? 'interrupted' : 'error', exitStatus, cells: 0,
    error: interrupted ? {code: 'INTERRUPTED', message: 'the notebook was interrupted'} : {code: 'CODE_FAILED', message: `the notebook ended with status ${exitStatus}`},
  }
}
