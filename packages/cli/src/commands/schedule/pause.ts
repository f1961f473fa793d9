import type {ScheduleView} from '@cgpu/core/schedule/view'
import {enable} from '@cgpu/core/schedule/plan'
import {ScheduleCommand, scheduleArg} from '../../schedule-command.ts'

/** Has a schedule run no more until it is resumed. */
export default class SchedulePause extends ScheduleCommand<ScheduleView> {
  static override args = {name: scheduleArg}
  static override description = 'A run that goes on is left alone.'
  static override examples = [{command: '<%= config.bin %> schedule pause nightly', description: 'no runs until it is resumed'}]
  static override seeAlso = ['schedule resume', 'schedule rm']
  static override summary = 'pause a schedule'

  async run(): Promise<ScheduleView> {
    const {args} = await this.parse(SchedulePause)
    const {schedules} = this
    const found = await schedules.find(args.name)
    const schedule = (await schedules.update(found.name, (old) => enable(old, false, Date.now()))) ?? found
    this.notice(found.enabled ? `${found.name} is paused` : `${found.name} was paused already`)
    return this.view(schedule)
  }
}
