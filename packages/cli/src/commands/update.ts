import {string} from '@oclif/core/args'
import {boolean, string as text} from '@oclif/core/flags'
import {withEnv} from '@cgpu/plugin-sdk'
import type {AvailableVersion, Channel, UpdateResult} from '@cgpu/updater'
import {table} from '../render/table.ts'
import {UpdateCommand} from '../update-command.ts'

/** Takes the newest version of a channel, or a certain one. */
export default class Update extends UpdateCommand<UpdateResult | AvailableVersion[] | null> {
  static override args = {channel: string({description: 'the channel to take versions from, from now on', options: ['stable', 'beta', 'nightly']})}
  static override description =
    'Signature and checksum are checked before anything is unpacked, and the new version is tried before it is used. What is interrupted goes on at the next try; until the switch the old version is in use.\n\n' +
    'A standalone cgpu also looks for updates by itself, once a day at most: "cgpu config set autoupdate off" ends that. After --version and "version use" none comes by itself until you update again.'
  static override examples = [
    {command: '<%= config.bin %> update', description: 'the newest version of the channel in use'},
    {command: '<%= config.bin %> update beta', description: 'take versions from another channel'},
    {command: '<%= config.bin %> update --available', description: 'what can be had'},
    {command: '<%= config.bin %> update --rollback', description: 'back to the version before'},
  ]
  static override flags = withEnv({
    version: text({summary: 'take this version', helpValue: 'VERSION', exclusive: ['available', 'rollback']}),
    available: boolean({summary: 'list the versions that can be had', exclusive: ['rollback']}),
    rollback: boolean({summary: 'go back to the version that was used before'}),
    auto: boolean({summary: 'as it happens by itself', hidden: true}),
  })
  static override seeAlso = ['version list', 'version use']
  static override summary = 'update cgpu'

  async run(): Promise<UpdateResult | AvailableVersion[] | null> {
    const {args, flags} = await this.parse(Update)
    if (flags.auto) return this.#byItself()
    const updater = await this.updater(flags.version ?? args.channel)
    if (flags.available) return this.#list(await updater.available())
    const done = flags.rollback ? updater.rollback() : flags.version === undefined ? updater.update(args.channel as Channel | undefined) : updater.updateTo(flags.version) // one of the options
    const result = await done
    this.tell(result)
    return result
  }

  #list(versions: AvailableVersion[]): AvailableVersion[] {
    this.log(table(['VERSION', 'RELEASED', 'CHANNELS', 'STATE'], versions.map(({version, released, channels, state}) => [version, released.slice(0, 10), channels.join(', '), state])))
    return versions
  }

  /** Nobody reads its output: what came of it is kept for `cgpu version list`. */
  async #byItself(): Promise<UpdateResult | null> {
    if (!(await this.settings()).on('autoupdate')) return null
    const updater = await this.updater()
    const keep = async (outcome: string): Promise<void> => {
      await updater.installation.state.update((state) => ({...state, auto: {at: new Date().toISOString(), outcome}}))
    }
    try {
      const result = await updater.updateByItself()
      await keep(result?.changed ? `updated to ${result.version}` : 'nothing to do')
      return result ?? null
    } catch (error) {
      await keep(error instanceof Error ? error.message : String(error))
      throw error
    }
  }
}
