import {string as stringArg} from '@oclif/core/args'
import {boolean} from '@oclif/core/flags'
import {searchHistory} from '@cgpu/core/history/search'
import {withEnv} from '@cgpu/plugin-sdk'
import {filterFlags, HistoryCommand, limitFlag} from '../../history-command.ts'
import {briefItemOf, type HistoryItem} from '../../history/item.ts'
import {hitLines} from '../../render/history.ts'

/** Searches the history. */
export default class HistorySearch extends HistoryCommand<(HistoryItem & {line: string})[]> {
  static override args = {text: stringArg({description: 'what to look for', required: true})}
  static override description = 'Looks into code, arguments, error messages and the end of what was printed.'
  static override examples = [
    {command: '<%= config.bin %> history search print', description: 'executions that print'},
    {command: '<%= config.bin %> history search --ignore-case --status error "out of memory"', description: 'failures that ran out of memory'},
    {command: `<%= config.bin %> history search --regex "epochs? \\d+"`, description: 'with a regular expression'},
  ]
  static override flags = {
    ...filterFlags,
    ...limitFlag,
    ...withEnv({
      'ignore-case': boolean({char: 'i', summary: 'take small and capital letters for the same'}),
      regex: boolean({char: 'e', summary: 'the text is a regular expression'}),
    }),
  }
  static override seeAlso = ['history list', 'history show']
  static override standalone = true
  static override summary = 'search in what was executed'

  async run(): Promise<(HistoryItem & {line: string})[]> {
    const {args, flags} = await this.parse(HistorySearch)
    const {'ignore-case': ignoreCase, regex, limit} = flags
    const hits = searchHistory(this.history.folder, {text: args.text, regex, ignoreCase, limit, filter: this.filter(flags)})
    if (hits.length === 0) this.notice('nothing found')
    else this.log(hitLines(hits, Date.now()))
    return hits.map(({entry, line}) => ({...briefItemOf(entry), line}))
  }
}
