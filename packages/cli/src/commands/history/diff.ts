import {string as stringArg} from '@oclif/core/args'
import {diffEntries} from '@cgpu/core/history/diff'
import {findEntries} from '@cgpu/core/history/find'
import type {HistoryEntry} from '@cgpu/core/history/entry'
import {HistoryCommand} from '../../history-command.ts'
import {diffText} from '../../render/history.ts'

interface Diff {
  a: string
  b: string
  equal: boolean
  /** names of what differs */
  differs: string[]
  /** unified; '' when equal */
  diff: string
}

/** Compares two executions. */
export default class HistoryDiff extends HistoryCommand<Diff> {
  static override args = {
    a: stringArg({description: 'id of one execution', required: true}),
    b: stringArg({description: 'id of the other', required: true}),
  }
  static override description = 'Compares code, arguments, names of variables, packages, the machine asked for, how it ended and what was printed last. When they ran and how long they took is shown only.\n\nExit status: 0 alike, 1 different.'
  static override examples = [{command: '<%= config.bin %> history diff 0mibvu0c4-5f1e0a9b3c 0mibvu0c4-5f1e0a9b3c', description: 'what changed between two runs'}]
  static override seeAlso = ['history show', 'history rerun']
  static override standalone = true
  static override summary = 'compare two executions'

  async run(): Promise<Diff> {
    const {args} = await this.parse(HistoryDiff)
    const [a, b] = findEntries(this.history.folder, [args.a, args.b]) as [HistoryEntry, HistoryEntry] // one for each that is asked for
    const found = diffEntries(a, b)
    if (found.equal) this.notice('no differences')
    else this.log(diffText(a, b, found))
    if (!found.equal) this.exitWith(1)
    return {a: a.id, b: b.id, equal: found.equal, differs: found.differs, diff: found.equal ? '' : diffText(a, b, found, {})}
  }
}
