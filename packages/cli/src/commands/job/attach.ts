import {string as stringArg} from '@oclif/core/args'
import {boolean, integer} from '@oclif/core/flags'
import type {Cgpu} from '@cgpu/core/cgpu'
import {errors} from '@cgpu/core/errors'
import {withAgent} from '@cgpu/core/execution/follow-log'
import {StdinFeed} from '@cgpu/core/execution/stdin-feed'
import type {OpenJob} from '@cgpu/core/job/jobs'
import {jobsOf} from '@cgpu/core/job/of'
import {placeOf, readLog} from '@cgpu/core/job/read-log'
import {isOver} from '@cgpu/core/job/record'
import {withEnv} from '@cgpu/plugin-sdk'
import {outputFlag, runtimeFlag} from '../../flags.ts'
import {type FollowedJob, JobCommand} from '../../job-command.ts'
import type {CommandSink} from '../../run/stream-command.ts'

interface AttachFlags {
  runtime?: string | undefined
  offset: number
  tail?: number | undefined
  /** what comes on stdin, for the program wherever it is */
  feed?: StdinFeed | undefined
}

/** Follows a job that was started before, from any byte of its log. */
export default class JobAttach extends JobCommand<FollowedJob> {
  static override args = {id: stringArg({description: 'id of the job, or a unique beginning of it', required: true})}
  static override description = 'Prints the job\'s output from the offset on, follows it to its end, brings back its outputs, and ends with its exit status. Ctrl-C stops following; the job goes on.'
  static override examples = [
    {command: '<%= config.bin %> job attach 0mibvu0c4-5f1e0a9b3c', description: 'everything that the job printed, and what it still prints'},
    {command: '<%= config.bin %> job attach 0mibvu --tail 20', description: 'its last 20 lines, and what it still prints'},
    {command: 'echo yes | <%= config.bin %> job attach 0mibvu0c4-5f1e0a9b3c --stdin', description: 'also give it a line to read'},
  ]
  static override flags = {
    ...runtimeFlag,
    ...outputFlag,
    ...withEnv({
      offset: integer({min: 0, default: 0, summary: 'byte of the log to start at, as a former attach reported it', helpValue: 'BYTES'}),
      tail: integer({char: 'n', min: 0, max: 1_000_000, exclusive: ['offset'], summary: 'of what there is, only the last so many lines', helpValue: 'LINES'}),
      stdin: boolean({summary: 'give the job what comes on stdin; its end ends the job\'s, too'}),
    }),
  }
  static override seeAlso = ['job logs', 'job wait', 'job list']
  static override summary = 'follow a job'

  async run(): Promise<FollowedJob> {
    const {args, flags} = await this.parse(JobAttach)
    const cgpu = await this.open(flags)
    const sink = await this.sink({output: flags.output, imageDir: '.'})
    const feed = flags.stdin ? new StdinFeed(process.stdin) : undefined
    try {
      // on another machine everything is new, but for what was not yet read here
      return this.finishAs(await this.wherever(cgpu, args.id, {sink, reads: true}, (moved) => this.#attach(cgpu, args.id, moved ? {offset: 0, feed} : {...flags, feed}, sink)))
    } finally {
      process.stdin.destroy() // a terminal that nobody types on would keep the process alive
    }
  }

  async #attach(cgpu: Cgpu, id: string, {runtime, offset: from, tail, feed}: AttachFlags, sink: CommandSink): Promise<FollowedJob> {
    const job = await this.openJob(cgpu, id, {runtime, sink, reads: true})
    const stop = new AbortController()
    try {
      refuseOffset(job, from)
      if (feed) await this.#feed(cgpu, job, feed, sink)
      const offset = tail === undefined ? from : () => this.#showTail(job, tail, sink, stop.signal)
      return await this.followJob(cgpu, job, sink, {offset, signal: stop.signal})
    } finally {
      stop.abort()
      await job.doneReading?.()
      await job.session.close()
    }
  }

  /** The end of what there is; returns where to go on. */
  async #showTail({session, id}: OpenJob, tail: number, sink: CommandSink, signal: AbortSignal): Promise<number> {
    return session.guard(async () => {
      const place = await placeOf(session, id, {tail, signal})
      await readLog(session, id, {tail, place, follow: false, signal, onPiece: ({stream, data}) => sink.onEvent({type: stream, data})})
      return place.size
    })
  }

  /** From where others stopped to feed it. */
  async #feed(cgpu: Cgpu, {session, id, status, runtime: {name}}: OpenJob, feed: StdinFeed, {onEvent}: CommandSink): Promise<void> {
    if (isOver(status.state)) return void this.warn(`the job ${id} is over, and reads nothing any more`)
    if (status.stdin === false) return void this.warn(`the job ${id} on ${name} has an empty stdin: nothing is given to it; only one that was started with --keep-stdin has another`)
    const offset = await session.guard(() => withAgent(session, (agent) => agent.stdinSize(id)))
    feed.to(session, id, {offset, onEvent}).then(
      // should it move, the next program's is at its end, too
      () => jobsOf(cgpu).store.update(id, (old) => (old.stdin === 'open' ? {...old, stdin: 'ended'} : undefined)),
    ).catch((error: unknown) => this.trace(`stdin: ${error instanceof Error ? error.message : String(error)}`))
  }
}

function refuseOffset({id, status: {logBytes}}: OpenJob, offset: number): void {
  if (offset <= logBytes) return
  throw errors.usage(`the log of ${id} ends at ${logBytes}`, {code: 'INVALID_OFFSET', fix: `give an --offset of at most ${logBytes}`})
}
