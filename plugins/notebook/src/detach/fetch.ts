import {cgpu, type HookHost} from '@cgpu/plugin-sdk'
import type {Notebook} from '../format/model.ts'
import {fetchCopy, isOver} from './copy.ts'
import {destinationOf} from './destination.ts'
import {tellEnd} from './end.ts'
import {putFetched} from './fetched.ts'
import type {FoundRun} from './place.ts'
import {remembered} from './remembered.ts'

/** Puts the copy, and of a run that is over what `--fetch` named, where they go. Whoever learns of the end by this tells plugins of it. Throws COPY_NOT_YET, COPY_GONE (66), CANNOT_WRITE (73). */
export async function fetchRun(found: FoundRun, output: string, host: HookHost): Promise<Notebook> {
  const {folder, job} = found
  const over = isOver(job.state)
  const known = await remembered(folder)
  const destination = await destinationOf(output, host)
  // the job's end brings them here, for whoever sees it first; how it ended is told below
  if (over && known && known.fetch.length > 0) await cgpu.call(['job', 'wait', job.id, '--quiet']).catch(() => undefined)
  let copy: Notebook | undefined
  try {
    copy = await fetchCopy(found, destination, {over})
    if (over) await putFetched(found, output, {patterns: known?.fetch ?? [], onWarning: (message) => void host.warn(message)})
    return copy
  } finally {
    if (over) await tellEnd(host, {folder, known, copy, job})
  }
}
