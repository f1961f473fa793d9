import type {DaemonState} from '@cgpu/daemon/control'
import {DaemonCommand} from '../../daemon-command.ts'
import {daemonTable} from '../../render/daemon.ts'

/** Shows whether the daemon runs, and what it holds. */
export default class DaemonStatus extends DaemonCommand<DaemonState> {
  static override examples = [
    {command: '<%= config.bin %> daemon status', description: 'whether it runs, and what it holds'},
    {command: '<%= config.bin %> daemon status --json', description: 'the same for a script'},
  ]
  static override seeAlso = ['daemon start', 'daemon logs', 'job list']
  static override summary = 'show the background process'

  async run(): Promise<DaemonState> {
    await this.parse(DaemonStatus)
    const {daemonState} = await import('@cgpu/daemon/control')
    const state = await daemonState(this.dirs)
    this.log(daemonTable(state, Date.now()))
    return state
  }
}
