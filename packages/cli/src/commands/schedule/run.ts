import {string} from '@oclif/core/flags'
import {CgpuError, errors} from '@cgpu/core/errors'
import {runSchedule} from '@cgpu/core/schedule/run'
import {type ScheduleRunView, viewOfRun} from '@cgpu/core/schedule/view'
import {withEnv} from '@cgpu/plugin-sdk'
import {execute} from '../../schedule/execute.ts'
import {HeldSignals} from '../../schedule/held-signals.ts'
import {ScheduleCommand, scheduleArg} from '../../schedule-command.ts'

/** Runs a schedule's command: now for somebody who looks on, or for a time that is due, as the daemon does. */
export default class ScheduleRun extends ScheduleCommand<ScheduleRunView | null> {
  static override args = {name: scheduleArg}
  static override description = 'Its output is shown and kept. The times of the schedule stay as they are; a paused one can be run, too.\n\nExit status: that of the command; 72 when a run goes on.'
  static override examples = [{command: '<%= config.bin %> schedule run nightly', description: 'try it, without waiting for the night'}]
  static override flags = withEnv({due: string({hidden: true, summary: 'the time that it is run for', helpValue: 'TIME'})})
  static override seeAlso = ['schedule show', 'schedule logs']
  static override summary = 'run a schedule now'

  async run(): Promise<ScheduleRunView | null> {
    const {args, flags} = await this.parse(ScheduleRun)
    const due = flags.due === undefined ? undefined : Date.parse(flags.due)
    if (Number.isNaN(due)) throw errors.usage('--due is not a time', {code: 'INVALID_TIME', fix: 'leave it out'})
    // one that was removed meanwhile must not be taken for another whose name begins so
    const name = due === undefined ? (await this.schedules.find(args.name)).name : args.name
    const signals = new HeldSignals()
    const ran = await runSchedule({
      store: this.schedules, name, due, onWarning: (message) => void this.warn(message),
      execute: (schedule, log, begun) => execute(schedule, {log, begun, signals, shown: due === undefined && !this.jsonEnabled()}),
    }).finally(() => signals.release())
    if (ran === 'busy' && due === undefined) throw await this.#busy(name)
    if (ran === 'busy' || ran === 'claimed') return null
    const {schedule, run, exitStatus} = ran
    const own = schedule.runs.find((one) => one.run === run)
    const view = own ? viewOfRun(own, undefined) : null
    if (exitStatus !== 0 && this.jsonEnabled()) throw failed(name, run, exitStatus, view)
    this.exitWith(exitStatus)
    return view
  }

  async #busy(name: string): Promise<Error> {
    const schedule = await this.schedules.get(name)
    const pid = schedule && (await this.schedules.running(schedule))?.process?.pid
    return errors.conflict(`a run of ${name} goes on`, {
      code: 'SCHEDULE_RUNNING', retryable: true, fix: pid === undefined ? 'try again when it is over' : `try again when it is over, or end it: kill ${pid}`, details: {name, pid: pid ?? null},
    })
  }
}

/** Ends as the command did; what it printed is kept. */
function failed(name: string, run: number, exit: number, view: ScheduleRunView | null): CgpuError {
  return new CgpuError(`the command ended with status ${exit}`, {code: 'PROGRAM_FAILED', category: 'code', exit, fix: `cgpu schedule logs ${name} --run ${run}`, details: {...view}})
}
