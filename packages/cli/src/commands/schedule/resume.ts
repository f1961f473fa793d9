import type {ScheduleView} from '@cgpu/core/schedule/view'
import {enable} from '@cgpu/core/schedule/plan'
import {formatMoment} from '@cgpu/core/text/format'
import {ScheduleCommand, scheduleArg} from '../../schedule-command.ts'

/** Has a paused schedule run again. */
export default class ScheduleResume extends ScheduleCommand<ScheduleView> {
  static override args = {name: scheduleArg}
  static override description = 'Times that passed meanwhile are not made up for.'
  static override examples = [{command: '<%= config.bin %> schedule resume nightly', description: 'from its next time on'}]
  static override seeAlso = ['schedule pause', 'schedule run']
  static override summary = 'resume a paused schedule'

  async run(): Promise<ScheduleView> {
    const {args} = await this.parse(ScheduleResume)
    const {schedules} = this
    const found = await schedules.find(args.name)
    const schedule = (await schedules.update(found.name, (old) => enable(old, true, Date.now()))) ?? found
    await this.tellDaemon()
    const view = await this.view(schedule)
    this.notice(`${found.name} ${found.enabled ? 'was not paused' : 'is resumed'}${view.nextAt === null ? '' : `; it runs next at ${formatMoment(Date.parse(view.nextAt))}`}`)
    return view
  }
}
