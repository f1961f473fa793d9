import {boolean, integer} from '@oclif/core/flags'
import {type DebugLog as Log, listDebugLogs, noDebugLog, readDebugLogs} from '@cgpu/core/debug/logs'
import {resolveDirs} from '@cgpu/core/state/dirs'
import {CgpuCommand, withEnv} from '@cgpu/plugin-sdk'
import {table} from '../../render/table.ts'

/** Shows what commands that failed were doing. */
export default class DebugLog extends CgpuCommand<(Log & {text?: string})[]> {
  static override description = 'A command that fails with a status from 64 to 75, or that ran with --verbose, leaves a log of what it did: its command line, versions, the error with its stack, and its requests, without secrets. The newest twenty are kept.'
  static override examples = [
    {command: '<%= config.bin %> debug log', description: 'what the last command that failed was doing'},
    {command: '<%= config.bin %> debug log --list', description: 'which logs there are'},
    {command: '<%= config.bin %> debug log --last 3', description: 'the last three, newest first'},
  ]
  static override flags = withEnv({
    last: integer({summary: 'show so many, newest first', helpValue: 'N', min: 1, max: 20, default: 1, exclusive: ['list']}),
    list: boolean({summary: 'list the logs instead of showing one'}),
  })
  static override seeAlso = ['support-bundle', 'doctor']
  static override standalone = true
  static override summary = 'show what a command that failed was doing'

  protected override get leavesDebugLog(): boolean {
    return false
  }

  async run(): Promise<(Log & {text?: string})[]> {
    const {flags} = await this.parse(DebugLog)
    const {configDir, dataDir, cacheDir} = this.config
    const {state} = resolveDirs(process.env, {configDir, dataDir, cacheDir})
    if (!flags.list) {
      const logs = await readDebugLogs(state, flags.last)
      this.log(logs.map(({text}) => text.trimEnd()).join(`\n\n${'-'.repeat(72)}\n\n`))
      return logs
    }
    const logs = await listDebugLogs(state)
    if (logs.length === 0) throw noDebugLog()
    this.log(table(['time', 'exit', 'bytes', 'command'], logs.map(({time, exitStatus, bytes, command}) => [time, String(exitStatus ?? ''), String(bytes), command])))
    return logs
  }
}
