import {string} from '@oclif/core/args'
import {boolean} from '@oclif/core/flags'
import {settingNamed} from '@cgpu/core/config/settings'
import {withEnv} from '@cgpu/plugin-sdk'
import {ConfigCommand, type ConfigEntry, entryOf} from '../../config-command.ts'

/** Prints the value of a setting as commands see it here and now. */
export default class ConfigGet extends ConfigCommand<ConfigEntry> {
  static override args = {key: string({description: 'the setting', required: true})}
  static override examples = [
    {command: '<%= config.bin %> config get provider', description: 'its value, from wherever it is set'},
    {command: '<%= config.bin %> config get provider --origin', description: 'and where that is'},
  ]
  static override flags = withEnv({origin: boolean({summary: 'say where the value comes from'})})
  static override seeAlso = ['config list', 'config set']
  static override standalone = true
  static override summary = 'show a setting'

  async run(): Promise<ConfigEntry> {
    const {args, flags} = await this.parse(ConfigGet)
    const {key} = settingNamed(args.key)
    const found = (await this.settings()).get(key)
    const entry = entryOf(found ?? {key, value: undefined, source: 'default', origin: 'not set'})
    if (entry.value === null) this.notice(`${key} is not set`)
    else this.log(flags.origin ? `${String(entry.value)}  (${entry.origin})` : String(entry.value))
    return entry
  }
}
