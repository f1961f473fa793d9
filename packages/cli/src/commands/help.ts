import {string} from '@oclif/core/args'
import {loadHelpClass} from '@oclif/core/help'
import {CgpuCommand} from '@cgpu/plugin-sdk'
import {exitMeanings, type ExitMeaning} from '../help/exit-codes.ts'
import {isKnown, knownCommands} from '../help/known-commands.ts'
import {table} from '../render/table.ts'
import {unknownCommand} from '../shell/unknown-command.ts'

export type HelpResult = {exitCodes: ExitMeaning[]} | {commands: string[]}

/** Shows help: of everything, of a command, of a topic, or of the exit statuses. */
export default class HelpCommand extends CgpuCommand<HelpResult> {
  static override args = {command: string({description: 'a command, a topic, or exit-codes'})}
  static override examples = [
    {command: '<%= config.bin %> help run', description: 'one command'},
    {command: '<%= config.bin %> help exit-codes', description: 'what each exit status means'},
  ]
  static override fullConfig = true
  static override strict = false
  static override summary = 'show help'
  static override usage = 'help [COMMAND…]'

  async run(): Promise<HelpResult> {
    const {argv} = await this.parse(HelpCommand)
    const words = argv.map(String)
    if (words.join(' ') === 'exit-codes') {
      const exitCodes = exitMeanings()
      this.log(table(['status', 'meaning'], exitCodes.map(({status, meaning}) => [status, meaning])))
      return {exitCodes}
    }
    const known = knownCommands(this.config)
    if (words.length > 0 && !isKnown(words, known)) throw unknownCommand(words.join(':'), known, this.config.bin)
    if (!this.jsonEnabled()) {
      const Help = await loadHelpClass(this.config)
      await new Help(this.config, this.config.pjson.oclif.helpOptions).showHelp(words)
    }
    return {commands: known.commands.toSorted()}
  }
}
