import {string} from '@oclif/core/args'
import {ConfigCommand, type ConfigEntry} from '../../config-command.ts'
import {profileFlag} from '../../config-flags.ts'

/** Writes a setting into the user config. */
export default class ConfigSet extends ConfigCommand<ConfigEntry> {
  static override args = {
    key: string({description: 'the setting', required: true}),
    value: string({description: 'its value', required: true}),
  }
  static override examples = [
    {command: '<%= config.bin %> config set provider local', description: 'where new runtimes come from'},
    {command: '<%= config.bin %> config set gpu t4 --profile training', description: 'only where the profile training is used'},
  ]
  static override flags = profileFlag
  static override seeAlso = ['config list', 'config unset']
  static override standalone = true
  static override summary = 'change a setting'

  async run(): Promise<ConfigEntry> {
    const {args, flags} = await this.parse(ConfigSet)
    const {profile} = flags
    const value = await this.store.set(args.key, args.value, {profile})
    const where = `${profile === undefined ? 'user config' : `profile ${profile} in`} ${this.store.path}`
    const now = (await this.settings(profile)).get(args.key)
    if (now && now.value !== value) this.warn(`${args.key} stays ${String(now.value ?? 'unset')} here: ${now.origin} is stronger`)
    this.notice(`${args.key} is ${String(value)} in ${where}`)
    return {key: args.key, value, source: profile === undefined ? 'user' : 'profile', origin: where}
  }
}
