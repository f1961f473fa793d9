import {filterFlags, HistoryCommand, limitFlag} from '../../history-command.ts'
import {briefItemOf, type HistoryItem} from '../../history/item.ts'
import {historyTable} from '../../render/history.ts'

/** Lists what was executed, newest first. */
export default class HistoryList extends HistoryCommand<HistoryItem[]> {
  static override description = 'A status is ok, error, interrupted, lost, vetoed, running, or unknown: cgpu was killed before it learned how it ended. cgpu config set history off keeps none from then on.'
  static override examples = [
    {command: '<%= config.bin %> history list', description: 'the last 30 executions'},
    {command: '<%= config.bin %> history list --status error,lost --since 7d', description: 'what failed this week'},
    {command: '<%= config.bin %> history list --kind run --limit 0 --json', description: 'every run, for a script'},
  ]
  static override flags = {...filterFlags, ...limitFlag}
  static override seeAlso = ['history show', 'history search', 'history stats']
  static override standalone = true
  static override summary = 'list what was executed'

  async run(): Promise<HistoryItem[]> {
    const {flags} = await this.parse(HistoryList)
    const entries = this.entries(this.filter(flags), flags.limit)
    if (entries.length === 0) this.notice('nothing in the history')
    else this.log(historyTable(entries, Date.now()))
    return entries.map(briefItemOf)
  }
}
