import {string as stringArg} from '@oclif/core/args'
import {integer} from '@oclif/core/flags'
import {followJob, type JobOutcome} from '@cgpu/core/execution/job'
import {withEnv} from '@cgpu/plugin-sdk'
import {outputFlag, runtimeFlag} from '../../flags.ts'
import {StreamCommand} from '../../run/stream-command.ts'

/** Follows a job that was started before, from any byte of its log. */
export default class JobAttach extends StreamCommand<JobOutcome> {
  static override args = {id: stringArg({description: 'id of the job', required: true})}
  static override description = 'Prints the job\'s output from the offset on, follows it to its end, and ends with its exit status. Ctrl-C stops following; the job goes on.'
  static override examples = [{command: '<%= config.bin %> job attach 0mibvu0c4-5f1e0a9b3c -r trainer', description: 'everything that the job printed, and what it still prints'}]
  static override flags = {
    ...runtimeFlag,
    ...outputFlag,
    ...withEnv({offset: integer({min: 0, default: 0, summary: 'byte of the log to start at, as a former attach reported it', helpValue: 'BYTES'})}),
  }
  static override summary = 'follow a job'

  async run(): Promise<JobOutcome> {
    const {args, flags} = await this.parse(JobAttach)
    const cgpu = await this.open(flags)
    const record = await cgpu.runtimes.select(flags.runtime)
    const sink = await this.sink({output: flags.output, imageDir: '.'})
    const session = await cgpu.connect(record)
    const stop = new AbortController()
    try {
      await sink.onEvent({type: 'started', id: args.id, runtime: record.name, attached: true})
      const outcome = await this.interruptible(
        followJob(session, args.id, {offset: flags.offset, onEvent: sink.onEvent, signal: stop.signal}),
        {first: async () => stop.abort(), leave: () => `the job goes on on ${record.name}`},
      )
      await sink.end({id: outcome.id, exitStatus: outcome.exitStatus, durationSeconds: outcome.durationMs / 1000})
      this.exitWith(outcome.exitStatus)
      return outcome
    } finally {
      stop.abort()
      await session.close()
    }
  }
}
