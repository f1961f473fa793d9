import {type ScheduleRunView, type ScheduleView, viewOfRun} from '@cgpu/core/schedule/view'
import {scheduleFacts} from '../../render/schedules.ts'
import {ScheduleCommand, scheduleArg} from '../../schedule-command.ts'

type Result = ScheduleView & {runs: ScheduleRunView[]}

/** Shows one schedule and its last runs. */
export default class ScheduleShow extends ScheduleCommand<Result> {
  static override args = {name: scheduleArg}
  static override description = 'A run is lost when its process ended before it could say how. Times that were skipped in a row are one line.'
  static override examples = [{command: '<%= config.bin %> schedule show nightly', description: 'its command, its next time and its last runs'}]
  static override seeAlso = ['schedule logs', 'schedule list']
  static override summary = 'show a schedule and its last runs'

  async run(): Promise<Result> {
    const {args} = await this.parse(ScheduleShow)
    const schedule = await this.schedules.find(args.name)
    const [view, running] = await Promise.all([this.view(schedule), this.schedules.running(schedule)])
    const runs = schedule.runs.map((run) => viewOfRun(run, running))
    this.log(scheduleFacts(view, runs, Date.now()))
    return {...view, runs}
  }
}
