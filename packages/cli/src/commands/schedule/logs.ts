import {boolean, integer} from '@oclif/core/flags'
import {errors} from '@cgpu/core/errors'
import {TerminalFilter} from '@cgpu/core/text/terminal'
import {withEnv} from '@cgpu/plugin-sdk'
import {ScheduleCommand, scheduleArg} from '../../schedule-command.ts'
import {writeTo} from '../../stream/sink.ts'

interface Result {
  name: string
  run: number
  output: string
}

/** Prints what a run of a schedule printed. */
export default class ScheduleLogs extends ScheduleCommand<Result> {
  static override args = {name: scheduleArg}
  static override description = 'stdout and stderr of the command, as they came. Of the last 20 runs up to 10 MiB each is kept, the beginning and the end. What a job printed that the command left running: cgpu job logs.'
  static override examples = [
    {command: '<%= config.bin %> schedule logs nightly', description: 'of the last run'},
    {command: '<%= config.bin %> schedule logs nightly --follow', description: 'of one that goes on, as it comes'},
    {command: '<%= config.bin %> schedule logs nightly --run 1', description: 'of the first one; the numbers are in cgpu schedule show'},
  ]
  static override flags = withEnv({follow: boolean({char: 'f', summary: 'go on until the run is over'}), run: integer({min: 1, summary: 'of this run; default: the last one', helpValue: 'N'})})
  static override seeAlso = ['schedule show', 'job logs']
  static override summary = 'print the output of a run'

  async run(): Promise<Result> {
    const {args, flags} = await this.parse(ScheduleLogs)
    if (flags.follow && this.jsonEnabled()) throw errors.usage('--follow and --json cannot be given together', {code: 'USAGE', fix: 'leave one of them out'})
    const {name, runs} = await this.schedules.find(args.name)
    const ran = runs.filter(({state}) => state !== 'skipped')
    const run = flags.run === undefined ? ran[0] : ran.find((one) => one.run === flags.run)
    if (!run) {
      const known = ran.map((one) => one.run)
      throw errors.notFound(flags.run === undefined ? `${name} has not run yet` : `no run ${flags.run} of ${name} is kept`, {
        code: 'RUN_NOT_FOUND', fix: known.length === 0 ? `run it now: cgpu schedule run ${name}` : `choose one of: ${known.join(', ')}`, details: {name, runs: known},
      })
    }
    if (this.jsonEnabled()) return {name, run: run.run, output: (await this.schedules.readLog(name, run.run)).toString('utf8')}
    const filter = process.stdout.isTTY ? new TerminalFilter() : undefined
    let empty = true
    for await (const piece of flags.follow ? this.schedules.followLog(name, run.run) : [await this.schedules.readLog(name, run.run)]) {
      empty &&= piece.length === 0
      await writeTo(process.stdout, filter?.write(piece) ?? piece)
    }
    if (filter) await writeTo(process.stdout, filter.end())
    if (empty) this.notice(`run ${run.run} printed nothing`)
    return {name, run: run.run, output: ''}
  }
}
