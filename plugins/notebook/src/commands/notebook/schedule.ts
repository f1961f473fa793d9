import {basename} from 'node:path'
import {option, string} from '@oclif/core/flags'
import {CgpuCommand, cgpu, errors, type ScheduleInfo, withEnv} from '@cgpu/plugin-sdk'
import {isAddress, nameOf} from '../../addresses/address.ts'
import {joinRuntimes} from '../../batch/flags.ts'
import {joinPairs} from '../../parameters/values.ts'
import {runWords} from '../../schedule/command-line.ts'
import {readNotebook} from '../../format/read.ts'
import NotebookRun from './run.ts'

const when = {helpGroup: 'WHEN'}

/** Has a notebook run at set times. */
export default class NotebookSchedule extends CgpuCommand<ScheduleInfo> {
  static override aliases = ['nb:schedule']
  static override args = NotebookRun.args
  static override description = `Makes a schedule of cgpu that runs "cgpu notebook run" with these flags; all of its flags are taken. Paths are kept as absolute ones. What the schedule does is seen and changed with "cgpu schedule": list, show, run, logs, pause, rm.

Exit status: 0; 64 for a time or a flag that is not understood; 65 and 66 for a notebook that cannot be read; 72 when there is a schedule of that name.`
  static override examples = [
    {command: '<%= config.bin %> notebook schedule analysis.ipynb --cron @daily', description: 'every night at twelve; the schedule is called analysis'},
    {command: '<%= config.bin %> notebook schedule analysis.ipynb --name hourly --every 1h -p epochs 3 -o done.ipynb', description: 'with parameters, every hour'},
  ]
  static override flags = {
    ...NotebookRun.flags,
    ...withEnv({
      name: string({...when, summary: 'a name for the schedule; default: the notebook\'s', helpValue: 'NAME'}),
      cron: string({...when, summary: 'when: minute, hour, day, month and day of the week, or such as @daily', helpValue: 'FIELDS', exclusive: ['every']}),
      every: string({...when, summary: 'how often, counted from now, such as 15m, 6h, 1d', helpValue: 'TIME'}),
      missed: option({...when, options: ['run', 'skip'] as const, summary: 'what to do about a time that passed over an hour ago, as the computer was off'})(),
      timezone: string({...when, summary: 'the clock that --cron means; default: that of this computer', helpValue: 'ZONE'}),
    }),
  }
  static override seeAlso = ['notebook run', 'schedule list', 'schedule rm']
  static override summary = 'run a notebook at set times'

  async run(): Promise<ScheduleInfo> {
    const {args, flags, metadata} = await this.parse(NotebookSchedule, joinPairs(joinRuntimes(this.argv)))
    const {name, cron, every, missed, timezone, json: _, quiet: __, verbose: ___, ...ofRun} = flags
    const [first = ''] = args.notebook
    if (args.notebook.includes('-') || flags.stdin || flags.watch) throw errors.usage('nobody is there for a schedule', {code: 'NOT_UNATTENDED', fix: 'give the notebook as a file or an address, and leave --stdin and --watch out'})
    for (const notebook of args.notebook) if (!isAddress(notebook) && !flags.recursive) await readNotebook(notebook)
    const given = Object.fromEntries(Object.entries(ofRun).filter(([flag]) => metadata.flags[flag]?.setFromDefault !== true))
    const made = await cgpu.schedules.create(name ?? nameFor(first), runWords(args.notebook, given), {cron, every, missed, timezone})
    this.log(`${made.name} runs next at ${made.nextAt ?? 'no time'}`)
    this.notice(`try it now: cgpu schedule run ${made.name}`)
    return made
  }
}

/** Fit for a schedule's name. */
function nameFor(notebook: string): string {
  const name = (isAddress(notebook) ? nameOf(notebook) : basename(notebook)).replace(/\.ipynb$/i, '').toLowerCase().replace(/[^a-z0-9-]+/g, '-').replace(/^-+|-+$/g, '').slice(0, 40)
  return name === '' ? 'notebook' : name
}
