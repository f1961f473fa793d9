import {string as stringArg} from '@oclif/core/args'
import {integer} from '@oclif/core/flags'
import {errors} from '@cgpu/core/errors'
import {followJob, type JobOutcome} from '@cgpu/core/execution/job'
import type {RuntimeSession} from '@cgpu/core/runtime/session'
import {sanitizeLine} from '@cgpu/core/text/line'
import {withEnv} from '@cgpu/plugin-sdk'
import {outputFlag, runtimeFlag} from '../../flags.ts'
import {StreamCommand} from '../../run/stream-command.ts'
import type {Captured} from '../../stream/capture-sink.ts'

type Result = Omit<JobOutcome, 'durationMs' | 'startedAt'> & {runtime: string; startedAt: string; durationSeconds: number} & Partial<Captured>

/** Follows a job that was started before, from any byte of its log. */
export default class JobAttach extends StreamCommand<Result> {
  static override args = {id: stringArg({description: 'id of the job', required: true})}
  static override description = 'Prints the job\'s output from the offset on, follows it to its end, and ends with its exit status. Ctrl-C stops following; the job goes on.'
  static override examples = [{command: '<%= config.bin %> job attach 0mibvu0c4-5f1e0a9b3c -r trainer', description: 'everything that the job printed, and what it still prints'}]
  static override flags = {
    ...runtimeFlag,
    ...outputFlag,
    ...withEnv({offset: integer({min: 0, default: 0, summary: 'byte of the log to start at, as a former attach reported it', helpValue: 'BYTES'})}),
  }
  static override summary = 'follow a job'

  async run(): Promise<Result> {
    const {args, flags} = await this.parse(JobAttach)
    if (!/^[A-Za-z0-9_-]{1,64}$/.test(args.id)) {
      throw errors.usage(`"${sanitizeLine(args.id, 80)}" cannot be the id of a job`, {code: 'INVALID_ID', fix: 'see the ids: cgpu job list'})
    }
    const cgpu = await this.open(flags)
    const record = await cgpu.runtimes.select(flags.runtime)
    const sink = await this.sink({output: flags.output, imageDir: '.'})
    const session = await cgpu.connect(record)
    const stop = new AbortController()
    try {
      if (flags.offset > 0) await this.#checkOffset(session, args.id, flags.offset)
      await sink.onEvent({type: 'started', id: args.id, runtime: record.name, attached: true})
      const outcome = await this.interruptible(
        followJob(session, args.id, {offset: flags.offset, onEvent: sink.onEvent, signal: stop.signal}),
        {leave: () => `the job goes on on ${record.name}; follow it again: cgpu job attach ${args.id} -r ${record.name}`},
      )
      await this.recordedEnd(cgpu, args.id, outcome)
      const {durationMs, startedAt, ...rest} = outcome
      const {exitStatus} = outcome
      const durationSeconds = durationMs / 1000
      await sink.end({id: outcome.id, exitStatus, durationSeconds, status: exitStatus === 0 ? 'ok' : 'error'})
      const result: Result = {...rest, runtime: record.name, startedAt: new Date(startedAt * 1000).toISOString(), durationSeconds, ...sink.captured?.()}
      if (exitStatus !== 0 && this.jsonEnabled()) this.failWith(exitStatus, `the job ended with status ${exitStatus}`, 'PROGRAM_FAILED', {...result})
      this.exitWith(exitStatus)
      return result
    } finally {
      stop.abort()
      await session.close()
    }
  }

  async #checkOffset(session: RuntimeSession, id: string, offset: number): Promise<void> {
    const {logBytes, state} = await (await session.agent()).status(id)
    if (state === 'unknown' || offset <= logBytes) return
    throw errors.usage(`the log of ${sanitizeLine(id, 80)} ends at ${logBytes}`, {code: 'INVALID_OFFSET', fix: `give an --offset of at most ${logBytes}`})
  }
}
