import {DaemonCommand} from '../../daemon-command.ts'

interface Stopped {
  stopped: boolean
  /** code that ran through it, and goes on on its machines */
  running: number
}

/** Ends the daemon. */
export default class DaemonStop extends DaemonCommand<Stopped> {
  static override description = 'Code that runs through it goes on on its machine.'
  static override examples = [
    {command: '<%= config.bin %> daemon stop', description: 'end it, and wait until it is gone'},
    {command: '<%= config.bin %> daemon stop --json', description: 'the same for a script'},
  ]
  static override seeAlso = ['daemon start', 'daemon status']
  static override summary = 'stop the background process'

  async run(): Promise<Stopped> {
    await this.parse(DaemonStop)
    const {stopDaemon} = await import('@cgpu/daemon/control')
    const result = await stopDaemon(this.dirs)
    if (!result.stopped) this.notice('no daemon was running')
    else this.log(`stopped the daemon${result.running > 0 ? `; code that ran through it goes on on its machine (${result.running} running)` : ''}`)
    return result
  }
}
