import type {JobStatus} from '@cgpu/core/agent/client'
import {formatRelative} from '@cgpu/core/text/format'
import {sanitizeLine} from '@cgpu/core/text/line'
import {runtimeFlag} from '../../flags.ts'
import {table} from '../../render/table.ts'
import {WorkCommand} from '../../work-command.ts'

/** A job as `job list --json` shows it. */
export interface ListedJob {
  id: string
  runtime: string
  /** running, exited, lost */
  state: string
  /** null while it runs; 128+n when signal n killed it */
  exitStatus: number | null
  signal: string | null
  createdAt: string | null
  endedAt: string | null
  stdoutBytes: number
  stderrBytes: number
  /** the program and its arguments; absent when the machine does not say */
  argv?: string[]
}

/** Lists the jobs of a runtime, newest first. */
export default class JobList extends WorkCommand<ListedJob[]> {
  static override examples = [{command: '<%= config.bin %> job list -r trainer', description: 'the jobs on trainer, also those whose cgpu ended'}]
  static override flags = {...runtimeFlag}
  static override summary = 'list the jobs of a runtime'

  async run(): Promise<ListedJob[]> {
    const {flags} = await this.parse(JobList)
    const cgpu = await this.open(flags)
    const record = await cgpu.runtimes.select(flags.runtime)
    const session = await cgpu.connect(record)
    try {
      const jobs = (await session.guard(async () => (await session.agent()).runs())).filter(({kind}) => kind !== 'cell').map((job) => listed(job, record.name))
      if (jobs.length === 0) this.notice('no jobs on this runtime yet')
      else {
        this.log(table(['id', 'state', 'status', 'started', 'command'], jobs.map((job) => [
          sanitizeLine(job.id), sanitizeLine(job.state), job.exitStatus === null ? '' : String(job.exitStatus),
          job.createdAt === null ? '' : formatRelative(Date.parse(job.createdAt), Date.now()),
          sanitizeLine((job.argv ?? []).join(' '), 60),
        ])))
      }
      return jobs
    } finally {
      await session.close()
    }
  }
}

function listed({id, state, exitCode, signal, startedAt, endedAt, stdoutBytes, stderrBytes, argv}: JobStatus, runtime: string): ListedJob {
  const iso = (seconds: number | null): string | null => (seconds === null ? null : new Date(seconds * 1000).toISOString())
  return {id, runtime, state, exitStatus: exitCode, signal, createdAt: iso(startedAt), endedAt: iso(endedAt), stdoutBytes, stderrBytes, ...(argv ? {argv} : {})}
}
