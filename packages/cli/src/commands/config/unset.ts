import {string} from '@oclif/core/args'
import {findSetting} from '@cgpu/core/config/settings'
import {ConfigCommand, type ConfigEntry, entryOf} from '../../config-command.ts'
import {profileFlag} from '../../config-flags.ts'

/** Takes a setting out of the user config. */
export default class ConfigUnset extends ConfigCommand<ConfigEntry> {
  static override args = {key: string({description: 'the setting', required: true})}
  static override examples = [{command: '<%= config.bin %> config unset provider', description: 'back to the default'}]
  static override flags = profileFlag
  static override seeAlso = ['config list', 'config set']
  static override standalone = true
  static override summary = 'take a setting back'

  async run(): Promise<ConfigEntry> {
    const {args, flags} = await this.parse(ConfigUnset)
    const was = await this.store.unset(args.key, {profile: flags.profile})
    this.notice(was ? `${args.key} is no longer set in ${this.store.path}` : `${args.key} was not set in ${this.store.path}`)
    const setting = findSetting(args.key)
    const found = setting && (await this.settings()).get(setting.key)
    return found ? entryOf(found) : {key: args.key, value: null, source: 'default', origin: 'not set'}
  }
}
