import {jobsOf} from '@cgpu/core/job/of'
import {JobTender, TenderMemory} from '@cgpu/core/job/tend'
import type {ClientContext, DaemonTask} from '@cgpu/daemon'
import {recordJobEnd} from '../history/record.ts'
import {endedOf} from '../job-end.ts'
import {moveByCommand} from './move-by-command.ts'

export interface FollowJobsOptions {
  version: string
  /** the environment of whoever's work it is */
  envOf: (context: ClientContext) => NodeJS.ProcessEnv
  everyMs?: number | undefined
}

const memory = new TenderMemory()

/** Looks after detached jobs: their outputs, their runtimes, and another machine where theirs was taken away. */
export function followJobs({version, envOf, everyMs = 10_000}: FollowJobsOptions): DaemonTask {
  return {
    name: 'jobs',
    everyMs,
    run: async (cgpu, signal, {log, context}) => new JobTender({
      jobs: jobsOf(cgpu), memory,
      onFailure: ({id}, error) => log(`job ${id}: ${error instanceof Error ? error.message : String(error)}; tried again later`),
      onEvent: (event) => {
        if (event.type === 'notice') log(event.message)
        if (event.type === 'artifact') log(`brought back ${event.path}`)
      },
      onSettled: async ({id}, {released, first}, status) => {
        log(`job ${id} is ${status ? 'over' : 'lost with its machine'}${released ? `, ${released.name} is released` : ''}`)
        if (first && cgpu.settings.on('history')) await recordJobEnd(id, status ? endedOf(status) : {status: 'lost'}, {stateDir: cgpu.dirs.state, version, onWarning: log})
      },
      move: moveByCommand({env: envOf(context), folder: cgpu.dirs.state, log, reap: () => cgpu.runtimes.reap()}),
    }).look(signal),
  }
}
