import {string as stringArg} from '@oclif/core/args'
import {findEntry} from '@cgpu/core/history/find'
import {HistoryCommand} from '../../history-command.ts'
import {type HistoryItem, itemOf} from '../../history/item.ts'
import {historyDetails} from '../../render/history.ts'

/** Shows one execution. */
export default class HistoryShow extends HistoryCommand<HistoryItem> {
  static override args = {id: stringArg({description: 'its id, or a unique beginning of it; default: the newest'})}
  static override examples = [
    {command: '<%= config.bin %> history show', description: 'the last execution'},
    {command: '<%= config.bin %> history show 0mibvu0c4-5f1e0a9b3c', description: 'one by its id: code, error, the end of its output'},
  ]
  static override seeAlso = ['history list', 'history rerun']
  static override standalone = true
  static override summary = 'show an execution'

  async run(): Promise<HistoryItem> {
    const {args} = await this.parse(HistoryShow)
    const entry = findEntry(this.history.folder, args.id)
    this.log(historyDetails(entry))
    return itemOf(entry)
  }
}
