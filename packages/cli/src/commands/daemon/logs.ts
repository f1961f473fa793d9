import {boolean, integer} from '@oclif/core/flags'
import {errors} from '@cgpu/core/errors'
import {daemonPlace} from '@cgpu/daemon/client'
import {inert, withEnv} from '@cgpu/plugin-sdk'
import {DaemonCommand} from '../../daemon-command.ts'
import {followLines, lastLines} from '../../daemon/log-lines.ts'

/** Shows what the daemon wrote of itself. */
export default class DaemonLogs extends DaemonCommand<{path: string; lines: string[]}> {
  static override examples = [
    {command: '<%= config.bin %> daemon logs', description: 'the last hundred lines'},
    {command: '<%= config.bin %> daemon logs --tail 5', description: 'the last five'},
  ]
  static override flags = withEnv({
    follow: boolean({char: 'f', summary: 'go on with what it writes, until Ctrl-C'}),
    tail: integer({summary: 'how many lines', helpValue: 'N', min: 0, default: 100}),
  })
  static override seeAlso = ['daemon status', 'support-bundle']
  static override summary = 'show the log of the background process'

  async run(): Promise<{path: string; lines: string[]}> {
    const {flags} = await this.parse(DaemonLogs)
    if (flags.follow && this.jsonEnabled()) throw errors.usage('--follow and --json cannot be given together', {code: 'USAGE', fix: 'leave one of them out'})
    const path = daemonPlace(this.dirs.state).log
    const {lines, end} = await lastLines(path, flags.tail)
    for (const line of lines) this.log(inert(line))
    if (end === undefined && !flags.follow) this.notice('no daemon wrote a log yet')
    if (flags.follow) await followLines(path, end ?? 0, (line) => this.log(inert(line)))
    return {path, lines}
  }
}
