import type {ScheduleView} from '@cgpu/core/schedule/view'
import {schedulesTable} from '../../render/schedules.ts'
import {ScheduleCommand} from '../../schedule-command.ts'

/** Lists schedules, newest first. */
export default class ScheduleList extends ScheduleCommand<ScheduleView[]> {
  static override examples = [
    {command: '<%= config.bin %> schedule list', description: 'when each runs next, and how the last run ended'},
    {command: '<%= config.bin %> schedule list --json', description: 'the same for a script'},
  ]
  static override seeAlso = ['schedule create', 'schedule show']
  static override summary = 'list schedules'

  async run(): Promise<ScheduleView[]> {
    await this.parse(ScheduleList)
    const views = await Promise.all((await this.schedules.list()).map((schedule) => this.view(schedule)))
    views.sort((a, b) => b.createdAt.localeCompare(a.createdAt))
    if (views.length === 0) this.notice('no schedules yet')
    else this.log(schedulesTable(views, Date.now()))
    return views
  }
}
