import {boolean} from '@oclif/core/flags'
import {withEnv} from '@cgpu/plugin-sdk'
import {EmulatorCommand, nameFlag} from '../../emulator-command.ts'
import {runningNames} from '../../names.ts'

/** Ends an emulator and its machines. */
export default class EmulatorStop extends EmulatorCommand<{name: string; stopped: boolean}[]> {
  static override examples = [
    {command: '<%= config.bin %> emulator stop', description: 'end it, and every machine of it'},
    {command: '<%= config.bin %> emulator stop --all', description: 'end every emulator that was started by you'},
  ]
  static override flags = {...nameFlag, ...withEnv({all: boolean({summary: 'every emulator'})})}
  static override summary = 'stop an emulator and its machines'

  async run(): Promise<{name: string; stopped: boolean}[]> {
    const {flags} = await this.parse(EmulatorStop)
    const {stopDaemon} = await import('@cgpu/emulator/daemon')
    const names = flags.all ? await runningNames(this.config.dataDir) : [flags.name]
    const results = await Promise.all(names.map(async (name) => ({name, stopped: await stopDaemon(this.folderOf(name))})))
    for (const {name, stopped} of results) {
      if (stopped) this.log(`stopped the emulator ${name}`)
      else this.notice(`the emulator ${name} was not running`)
    }
    if (results.length === 0) this.notice('no emulator was running')
    return results
  }
}
