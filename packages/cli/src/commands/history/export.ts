import {option, string} from '@oclif/core/flags'
import {errors} from '@cgpu/core/errors'
import {exported, exportFormats} from '@cgpu/core/history/export/formats'
import {findEntries} from '@cgpu/core/history/find'
import {writeAtomic} from '@cgpu/core/state/atomic'
import {sanitizeLine} from '@cgpu/core/text/line'
import {sanitizeText} from '@cgpu/core/text/terminal'
import {withEnv} from '@cgpu/plugin-sdk'
import {filterFlags, HistoryCommand} from '../../history-command.ts'

interface Exported {
  format: string
  count: number
  /** where it was written; absent: it is `content` */
  path?: string
  content?: string
}

/** Writes executions as a document. */
export default class HistoryExport extends HistoryCommand<Exported> {
  static override description = 'The oldest comes first. Of outputs there is what the history keeps: the last 4 KiB, and errors.'
  static override examples = [
    {command: '<%= config.bin %> history export --to ipynb --kind exec -o session.ipynb', description: 'a notebook of all cells'},
    {command: '<%= config.bin %> history export --to md --since 1d', description: 'a report on today, on stdout'},
    {command: '<%= config.bin %> history export 0mibvu0c4-5f1e0a9b3c --to py', description: 'one execution as a script'},
  ]
  static override flags = {
    ...filterFlags,
    ...withEnv({
      out: string({char: 'o', summary: 'write to this file; default: stdout', helpValue: 'FILE'}),
      to: option({options: exportFormats, required: true, summary: 'the format'})(),
    }),
  }
  static override seeAlso = ['history list']
  static override standalone = true
  static override strict = false
  static override summary = 'write executions as a notebook, script or report'
  static override usage = 'history export [ID…] --to ipynb|md|py|jsonl [-o FILE]'

  async run(): Promise<Exported> {
    const {argv, flags} = await this.parse(HistoryExport)
    const {to: format, out: path} = flags
    const entries = argv.length > 0 ? findEntries(this.history.folder, argv.map(String)) : this.entries(this.filter(flags))
    if (entries.length === 0) throw errors.notFound('nothing in the history is of that kind', {code: 'NOTHING_TO_EXPORT', category: 'usage', fix: 'see what there is: cgpu history list'})
    const content = exported([...new Set(entries)], format)
    const count = entries.length
    if (path === undefined) {
      const text = content.replace(/\n$/, '')
      this.log(process.stdout.isTTY ? sanitizeText(text) : text)
      return {format, count, content}
    }
    await writeAtomic(path, content)
    this.notice(`${sanitizeLine(path)} (${count} ${count === 1 ? 'execution' : 'executions'})`)
    return {format, count, path}
  }
}
