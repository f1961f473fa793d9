import {boolean} from '@oclif/core/flags'
import {settings} from '@cgpu/core/config/settings'
import {withEnv} from '@cgpu/plugin-sdk'
import {ConfigCommand, type ConfigEntry, entryOf} from '../../config-command.ts'
import {table} from '../../render/table.ts'

/** Lists all settings as commands see them here and now. */
export default class ConfigList extends ConfigCommand<ConfigEntry[]> {
  static override examples = [
    {command: '<%= config.bin %> config list', description: 'every setting and its value'},
    {command: '<%= config.bin %> config list --origin', description: 'and where each value comes from'},
  ]
  static override flags = withEnv({origin: boolean({summary: 'say where each value comes from'})})
  static override seeAlso = ['config get', 'config set', 'config path']
  static override standalone = true
  static override summary = 'list settings'

  async run(): Promise<ConfigEntry[]> {
    const {flags} = await this.parse(ConfigList)
    const entries = (await this.settings()).all.map(entryOf)
    const about = new Map(settings.map(({key, description}) => [key, description]))
    const last = flags.origin ? 'origin' : 'what it is'
    this.log(table(['setting', 'value', last], entries.map(({key, value, origin}) => [key, value === null ? '' : String(value), flags.origin ? origin : (about.get(key) ?? '')])))
    return entries
  }
}
