import {jobsOf} from '@cgpu/core/job/of'
import {JobTender, TenderMemory} from '@cgpu/core/job/tend'
import {SecretGrants} from '@cgpu/core/secrets/grants'
import {SecretSources} from '@cgpu/core/secrets/sources'
import type {DaemonTask} from '@cgpu/daemon'
import {recordJobEnd} from '../history/record.ts'
import {endedOf} from '../job-end.ts'
import {moveJob} from '../run/move-job.ts'
import {openVault} from '../run/secrets.ts'

const memory = new TenderMemory()

/** Looks after detached jobs: their outputs, their runtimes, and another machine where theirs was taken away. */
export function followJobs(version: string, everyMs = 10_000): DaemonTask {
  return {
    name: 'jobs',
    everyMs,
    run: async (cgpu, signal, {log, open}) => new JobTender({
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
      move: async (record, stop) => {
        const like = await open({provider: record.spec.provider, ...record.spec.settings})
        const sources = new SecretSources({env: {}, cwd: record.request.cwd, vault: openVault({configDir: cgpu.dirs.config, settings: cgpu.settings, onWarning: log})})
        return moveJob(record, {
          cgpu: like, env: process.env, secrets: async (names) => (await SecretGrants.of(names, sources)).env(), signal: stop,
          onEvent: (event) => (event.type === 'notice' ? log(event.message) : undefined),
        })
      },
    }).look(signal),
  }
}
