import {string} from '@oclif/core/flags'
import {parseRecord} from '@cgpu/core/history/entry'
import {formatBytes} from '@cgpu/core/text/format'
import {parseMoment} from '@cgpu/core/text/moment'
import {withEnv} from '@cgpu/plugin-sdk'
import {yesFlag} from '../../flags.ts'
import {HistoryCommand} from '../../history-command.ts'
import {confirm} from '../../input.ts'

interface Cleared {
  cleared: number
  kept: number
}

/** Forgets executions. */
export default class HistoryClear extends HistoryCommand<Cleared> {
  static override examples = [{command: '<%= config.bin %> history clear --before 30d --yes', description: 'forget what is older than 30 days'}]
  static override flags = {...withEnv({before: string({summary: 'only what began before then: 30d or a date', helpValue: 'TIME'})}), ...yesFlag}
  static override seeAlso = ['history list']
  static override standalone = true
  static override summary = 'forget what was executed'

  async run(): Promise<Cleared> {
    const {flags} = await this.parse(HistoryClear)
    const before = flags.before === undefined ? Infinity : parseMoment(flags.before)
    const all = this.entries({})
    const kept = new Set(all.filter(({startedAt}) => Date.parse(startedAt) >= before).map(({id}) => id))
    const cleared = all.length - kept.size
    if (cleared === 0 && before !== Infinity) this.notice('nothing to forget')
    else {
      const {history} = this
      await confirm(`forget ${cleared} of ${all.length} executions (the history takes ${formatBytes(history.size())})?`, flags.yes)
      await history.rewrite((line) => kept.has(parseRecord(line)?.id ?? ''))
      this.notice(`${cleared} forgotten, ${kept.size} kept`)
    }
    return {cleared, kept: kept.size}
  }
}
