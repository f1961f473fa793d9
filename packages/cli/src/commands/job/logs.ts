import {string as stringArg} from '@oclif/core/args'
import {boolean, integer, option, string} from '@oclif/core/flags'
import type {Cgpu} from '@cgpu/core/cgpu'
import {CgpuError, errors} from '@cgpu/core/errors'
import type {LogFilter} from '@cgpu/core/job/logs'
import {readLog, type ReadLogOptions} from '@cgpu/core/job/read-log'
import {parseMoment} from '@cgpu/core/text/moment'
import {withEnv} from '@cgpu/plugin-sdk'
import {outputFlag, runtimeFlag} from '../../flags.ts'
import {JobCommand} from '../../job-command.ts'
import type {CommandSink} from '../../run/stream-command.ts'
import type {Captured} from '../../stream/capture-sink.ts'

type Result = {id: string; runtime: string; state: string; exitStatus: number | null} & Partial<Captured>

/** Prints what a job printed. */
export default class JobLogs extends JobCommand<Result> {
  static override aliases = ['logs']
  static override args = {id: stringArg({description: 'id of the job, or a unique beginning of it', required: true})}
  static override description = 'The program\'s stdout goes to stdout and its stderr to stderr, byte for byte. The end of a long log is shown without reading the rest.\n\nExit status: 0, however the job ended; cgpu job wait and cgpu job attach end as the job did.'
  static override examples = [
    {command: '<%= config.bin %> logs 0mibvu0c4-5f1e0a9b3c --tail 20 -f', description: 'the last 20 lines, and what comes'},
    {command: '<%= config.bin %> logs 0mibvu --since 10m --search "loss|error" --timestamps', description: 'lines of the last ten minutes that match'},
    {command: '<%= config.bin %> logs 0mibvu --stream stderr > errors.txt', description: 'its stderr alone'},
  ]
  static override flags = {
    ...runtimeFlag,
    ...outputFlag,
    ...withEnv({
      follow: boolean({char: 'f', summary: 'go on until the job is over'}),
      since: string({summary: 'what was written since then: 10m, or 2026-11-28T16:00', helpValue: 'TIME'}),
      until: string({summary: 'what was written until then', helpValue: 'TIME'}),
      tail: integer({char: 'n', min: 0, max: 1_000_000, summary: 'the last so many lines only', helpValue: 'LINES'}),
      search: string({summary: 'only lines that match this regular expression', helpValue: 'REGEX'}),
      stream: option({options: ['stdout', 'stderr'] as const, summary: 'only this one'})(),
      timestamps: boolean({char: 't', summary: 'put before each line when it was written, in UTC'}),
    }),
  }
  static override seeAlso = ['job attach', 'job show', 'why']
  static override summary = 'print the output of a job'

  async run(): Promise<Result> {
    const {args, flags} = await this.parse(JobLogs)
    const filter: LogFilter = {
      stream: flags.stream, timestamps: flags.timestamps, search: flags.search === undefined ? undefined : parseRegex(flags.search),
      since: seconds(flags.since), until: seconds(flags.until),
    }
    const cgpu = await this.open(flags)
    const sink = await this.sink({output: flags.output, imageDir: '.'})
    const part = {...filter, follow: flags.follow}
    // on another machine everything is new
    const read = (moved: boolean): Promise<Result> => this.#read(cgpu, args.id, moved ? undefined : flags.runtime, {...part, tail: moved ? undefined : flags.tail}, sink)
    return flags.follow ? this.wherever(cgpu, args.id, {sink, reads: true}, read) : read(false)
  }

  async #read(cgpu: Cgpu, query: string, runtime: string | undefined, part: LogFilter & Pick<ReadLogOptions, 'tail' | 'follow'>, sink: CommandSink): Promise<Result> {
    const job = await this.openJob(cgpu, query, {runtime, sink, reads: true})
    const {id, session, runtime: {name}} = job
    const stop = new AbortController()
    try {
      await sink.onEvent({type: 'started', id, runtime: name, attached: true})
      const reading = session.guard(() => readLog(session, id, {
        ...part, signal: stop.signal,
        onPiece: ({stream, data}) => sink.onEvent({type: stream, data}),
        onNotice: (message) => sink.onEvent({type: 'notice', code: 'LOG_GAP', message}),
      }))
      const status = await this.interruptible(reading, {leave: () => `the job is as it was; see: cgpu job show ${id}`}).catch((error: unknown) => {
        if (!isClosedPipe(error)) throw error
        this.exitWith(error.exit) // `| head` has seen enough: nothing is wrong, and nobody is to be told
        return undefined
      }) ?? job.status
      await sink.end({id, exitStatus: 0, durationSeconds: 0, status: 'ok'})
      return {id, runtime: name, state: status.state, exitStatus: status.exitCode, ...sink.captured?.()}
    } finally {
      stop.abort()
      // what is wrong with its machine is no failure of what was read
      await this.endReading(cgpu, job, sink).catch((error: unknown) => this.trace(`the machine of ${id}: ${error instanceof Error ? error.message : String(error)}`))
      await session.close()
    }
  }
}

function isClosedPipe(error: unknown): error is CgpuError {
  return error instanceof CgpuError && error.details?.['signal'] === 'SIGPIPE'
}

function seconds(text: string | undefined): number | undefined {
  return text === undefined ? undefined : parseMoment(text) / 1000
}

/** Throws INVALID_PATTERN (64). */
function parseRegex(text: string): RegExp {
  try {
    return new RegExp(text, 'u')
  } catch (error) {
    throw errors.usage(`that is not a regular expression: ${error instanceof Error ? error.message : ''}`, {code: 'INVALID_PATTERN', fix: 'put a backslash before characters that are meant as they are, such as \\( or \\.'})
  }
}
