import {boolean} from '@oclif/core/flags'
import {withEnv} from '@cgpu/plugin-sdk'
import {DaemonCommand} from '../../daemon-command.ts'

interface Started {
  pid: number
  started: boolean
}

/** Starts the daemon, which `exec` otherwise does by itself. */
export default class DaemonStart extends DaemonCommand<Started> {
  static override description = 'It ends itself when it has had nothing to do for ten minutes. Without it everything works, only slower.'
  static override examples = [
    {command: '<%= config.bin %> daemon start', description: 'start it, unless it runs'},
    {command: '<%= config.bin %> daemon start --json', description: 'the same for a script'},
  ]
  static override flags = withEnv({foreground: boolean({summary: 'run it in this process, its log on stderr: for service managers, and to look at it'})})
  static override seeAlso = ['daemon status', 'daemon stop', 'daemon logs']
  static override summary = 'start the background process'

  async run(): Promise<Started> {
    const {flags} = await this.parse(DaemonStart)
    if (flags.foreground) {
      const {serve} = await import('../../daemon/serve.ts')
      const ran = (await serve({foreground: true})) === 'ran'
      if (!ran) this.notice('the daemon runs already')
      return {pid: process.pid, started: ran}
    }
    const {startDaemon} = await import('@cgpu/daemon/control')
    const {status: {pid}, started, replaced} = await startDaemon(this.dirs, process.env, this.program)
    if (replaced !== undefined) this.notice(`process ${replaced} did not answer, and was ended`)
    if (process.env['CGPU_DAEMON'] === 'off') this.warn('CGPU_DAEMON is off: exec does not use the daemon')
    this.log(started ? `started the daemon (process ${pid})` : `the daemon runs already (process ${pid})`)
    return {pid, started}
  }
}
