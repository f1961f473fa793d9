import {option} from '@oclif/core/flags'
import {type HistoryStats as Stats, statGroups, statsOf} from '@cgpu/core/history/stats'
import {withEnv} from '@cgpu/plugin-sdk'
import {filterFlags, HistoryCommand} from '../../history-command.ts'
import {statsText} from '../../render/history-stats.ts'

/** Counts executions. */
export default class HistoryStats extends HistoryCommand<Stats> {
  static override description = 'How many there were, how many of those that ended went well, and how long they took: in all, in the middle, and 95 of 100 at most.'
  static override examples = [
    {command: '<%= config.bin %> history stats', description: 'by day'},
    {command: '<%= config.bin %> history stats --by code --since 30d', description: 'what goes wrong most'},
  ]
  static override flags = {...filterFlags, ...withEnv({by: option({options: statGroups, default: 'day' as const, summary: 'what to group by'})()})}
  static override seeAlso = ['history list']
  static override standalone = true
  static override summary = 'count what was executed'

  async run(): Promise<Stats> {
    const {flags} = await this.parse(HistoryStats)
    const stats = statsOf(this.entries(this.filter(flags)), flags.by)
    if (stats.total.count === 0) this.notice('nothing in the history')
    else this.log(statsText(stats))
    return stats
  }
}
