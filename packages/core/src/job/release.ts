import type {Cgpu} from '../cgpu.ts'
import {HistoryStore, recordEnd} from '../history/store.ts'
import {isSelf} from '../state/self.ts'
import {isFollowed} from './followed.ts'
import {jobsOf} from './of.ts'
import type {JobRecord} from './record.ts'

/** A runtime is released on purpose: its jobs end with it, and the history is told of those that nobody else tells it of. */
export async function endJobsOf(cgpu: Cgpu, runtimeId: string): Promise<void> {
  const ended = await jobsOf(cgpu).ends.released(runtimeId)
  if (!cgpu.settings.on('history')) return
  for (const record of ended.filter((one) => !isWatched(one))) {
    const {id, seen} = record
    const startedAt = seen?.startedAt ?? Date.parse(record.createdAt) / 1000
    const durationSeconds = Number(Math.max(0, Date.now() / 1000 - startedAt).toFixed(3))
    await recordEnd(new HistoryStore(cgpu.dirs.state), id, {status: 'interrupted', category: 'code', code: 'CANCELLED', durationSeconds}).catch((error: unknown) => {
      cgpu.warn(`the end of ${id} is not in the history: ${error instanceof Error ? error.message : String(error)}`)
    })
  }
}

/** Whoever starts or follows it tells its end. */
function isWatched(record: JobRecord): boolean {
  return (record.starter !== undefined && isSelf(record.starter)) || isFollowed(record)
}
