import {isBeingStarted} from '@cgpu/core/job/followed'
import {jobsOf} from '@cgpu/core/job/of'
import {isOver} from '@cgpu/core/job/record'
import {JobTender, TenderMemory} from '@cgpu/core/job/tend'
import type {ClientContext, DaemonTask} from '@cgpu/daemon'
import {keyOf} from '@cgpu/daemon/client'
import {endOfSettled, tellEnd} from '../job-end.ts'
import {moveByCommand} from './move-by-command.ts'
import {Turns} from './turns.ts'

export interface FollowJobsOptions {
  /** the environment of whoever's work it is */
  envOf: (context: ClientContext) => NodeJS.ProcessEnv
  everyMs?: number | undefined
}

/** Looks after jobs that nobody follows: their outputs, their runtimes, and another machine where theirs was taken away. Each is looked after in one environment only. */
export function followJobs({envOf, everyMs = 10_000}: FollowJobsOptions): DaemonTask {
  const memory = new TenderMemory({settleMs: everyMs / 2, firstPauseMs: everyMs})
  const turns = new Turns({staleMs: everyMs * 3})
  return {
    name: 'jobs',
    everyMs,
    run: (cgpu, signal, {log, context}) => turns.during(keyOf(context), (turn) => new JobTender({
      jobs: jobsOf(cgpu), memory, everyMs,
      isMine: (record) => isBeingStarted(record) || turn.take(record.id),
      onFailure: ({id}, error) => {
        log(`job ${id}: ${error instanceof Error ? error.message : String(error)}; tried again later`)
        // another environment may be better for it
        turn.leave(id)
      },
      onEvent: (event) => {
        if (event.type === 'notice') log(event.message)
        if (event.type === 'artifact') log(`brought back ${event.path}`)
      },
      onSettled: async (record, {released, first}, status) => {
        const {id, seen} = record
        log(`job ${id} is ${status || isOver(seen?.state) ? 'over' : 'lost with its machine'}${released ? `, ${released.name} is released` : ''}`)
        if (first) await tellEnd(cgpu, id, endOfSettled(record, status))
      },
      move: moveByCommand({env: envOf(context), folder: cgpu.dirs.state, log, reap: () => cgpu.runtimes.reap()}),
    }).look(signal)),
  }
}
