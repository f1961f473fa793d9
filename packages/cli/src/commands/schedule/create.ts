import {string as stringArg} from '@oclif/core/args'
import {option, string} from '@oclif/core/flags'
import {CgpuError} from '@cgpu/core/errors'
import type {ScheduleView} from '@cgpu/core/schedule/view'
import {parseWhen} from '@cgpu/core/schedule/when'
import {formatMoment, formatRelative} from '@cgpu/core/text/format'
import {validateName} from '@cgpu/core/text/names'
import {withEnv} from '@cgpu/plugin-sdk'
import {commandsOf, readCommands} from '../../completion/commands.ts'
import {checkCommand} from '../../schedule/check-command.ts'
import {ScheduleCommand} from '../../schedule-command.ts'
import {hasUserPlugins} from '../../shell/own-only.ts'

/** Has a command run at set times. */
export default class ScheduleCreate extends ScheduleCommand<ScheduleView> {
  static override args = {name: stringArg({description: 'a name for the schedule', required: true})}
  static override description = 'The command is one of cgpu, without "cgpu". It runs in this folder, in the environment of the daemon, and nobody is asked. While it runs the next time is skipped; each time is run once.\n\nThe daemon (cgpu daemon) runs schedules, and stays while there are any. After the computer was started somebody must start it: see docs/schedules.md.'
  static override examples = [
    {command: '<%= config.bin %> schedule create nightly --cron "0 3 * * *" -- run --detach train.py', description: 'every night at three'},
    {command: '<%= config.bin %> schedule create report --cron "30 9 * * 1-5" --timezone Europe/Berlin --missed run -- run analyse.py', description: 'on working days, later where the computer was off'},
    {command: '<%= config.bin %> schedule create tidy --every 6h -- runtime reap', description: 'every six hours, from now on'},
  ]
  static override flags = withEnv({
    cron: string({summary: 'when: minute, hour, day, month and day of the week, or such as @daily', helpValue: 'FIELDS', exclusive: ['every']}),
    every: string({summary: 'how often, counted from now, such as 90s, 15m, 6h, 1d', helpValue: 'TIME'}),
    missed: option({options: ['run', 'skip'] as const, default: 'skip' as const, summary: 'what to do about a time that passed over an hour ago, as the computer was off'})(),
    timezone: string({summary: 'the clock that --cron means; default: that of this computer', helpValue: 'ZONE'}),
  })
  static override seeAlso = ['schedule list', 'schedule run', 'daemon start']
  static override summary = 'run a command at set times'
  static override usage = ['schedule create NAME --cron FIELDS [--timezone ZONE] [--missed run|skip] -- COMMAND…', 'schedule create NAME --every TIME [--missed run|skip] -- COMMAND…']

  async run(): Promise<ScheduleView> {
    const {own, argv} = this.#split()
    const {args, flags} = await this.parse(ScheduleCreate, own)
    const name = validateName(args.name, 'schedule')
    const now = new Date()
    const when = await parseWhen(flags, now.getTime())
    const {envNames} = await this.#check(argv)
    const createdAt = now.toISOString()
    const schedule = {name, argv, cwd: process.cwd(), when, missed: flags.missed, enabled: true, createdAt, doneUntil: createdAt, runs: [], nextRun: 1}
    await this.schedules.create(schedule)
    if (envNames.length > 0) this.warn(`${envNames.join(', ')} will come from the environment of the daemon, which is started without what is not cgpu's: better keep it with cgpu secret set, and give --secret`)
    await this.tellDaemon()
    const view = await this.view(schedule)
    if (view.nextAt !== null) this.log(`${name} runs next at ${formatMoment(Date.parse(view.nextAt))} (${formatRelative(Date.parse(view.nextAt), now.getTime())})`)
    this.notice(`try it now: cgpu schedule run ${name}`)
    return view
  }

  /** As manifests say. Where they do not know it and there are plugins, as oclif does: a plugin may come without one. */
  async #check(argv: readonly string[]): Promise<{envNames: string[]}> {
    const {root, dataDir} = this.config
    try {
      return checkCommand(argv, await readCommands(root, dataDir))
    } catch (error) {
      if (!(error instanceof CgpuError) || error.code !== 'UNKNOWN_COMMAND' || !hasUserPlugins(dataDir)) throw error
      // as the long way does: nothing here transpiles
      process.env['OCLIF_DISABLE_LINKED_ESM_WARNING'] ??= '1'
      const {loadConfig} = await import('../../shell/load-config.ts')
      const {commands} = await loadConfig(root)
      return checkCommand(argv, commandsOf({commands: Object.fromEntries(commands.map((command) => [command.id, command]))}))
    }
  }

  /** The command's flags are its own. */
  #split(): {own: string[]; argv: string[]} {
    const end = this.argv.indexOf('--')
    return end === -1 ? {own: this.argv, argv: []} : {own: this.argv.slice(0, end), argv: this.argv.slice(end + 1)}
  }

  protected override get carriesCode(): boolean {
    return true
  }
}
