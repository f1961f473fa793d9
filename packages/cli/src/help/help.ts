import {Help} from '@oclif/core/help'
import type {Topic} from '@oclif/core/interfaces'
import {reportError} from '@cgpu/plugin-sdk'
import {unknownCommand} from '../shell/unknown-command.ts'
import {CgpuCommandHelp} from './command-help.ts'
import {isKnown, knownCommands} from './known-commands.ts'

/** What people need first, in the order in which they need it. */
const first = ['run', 'exec', 'cp', 'ps', 'stop', 'doctor']

/** Help pages: those of oclif, with the daily commands first and examples for topics. */
export default class CgpuHelp extends Help {
  protected override CommandHelpClass = CgpuCommandHelp

  override async showHelp(argv: string[]): Promise<void> {
    const words = argv.filter((word) => !word.startsWith('-'))
    const known = knownCommands(this.config)
    if (words.length === 0 || isKnown(words, known)) return super.showHelp(argv)
    const error = unknownCommand(words.join(':'), known, this.config.bin)
    reportError(error, {command: '', json: argv.includes('--json'), verbose: false})
    process.exitCode = error.exit
  }

  protected override async showRootHelp(): Promise<void> {
    const commands = this.sortedCommands.filter(({id}) => !id.includes(':'))
    const daily = first.flatMap((id) => commands.filter((command) => command.id === id))
    const rest = commands.filter(({id}) => !first.includes(id) && !this.sortedTopics.some(({name}) => name === id))
    const topics = this.sortedTopics.filter(({name}) => !name.includes(':'))
    const row = ({id, summary, description}: {id: string; summary?: string | undefined; description?: string | undefined}): [string, string] =>
      [id.replaceAll(':', ' '), this.render((summary ?? description ?? '').split('\n')[0] ?? '')]
    const section = (title: string, rows: [string, string][]): string[] =>
      rows.length === 0 ? [] : [this.section(title, this.renderList(rows, {indentation: 2, spacer: '\n', stripAnsi: this.opts.stripAnsi ?? false})), '']
    const {bin} = this.config
    for (const line of [
      this.config.pjson.description ?? '', '',
      this.section('USAGE', `$ ${bin} COMMAND [FLAGS]`), '',
      ...section('START HERE', daily.map(row)),
      ...section('TOPICS', topics.map(({name, description}) => [name, this.render(description ?? '').split('\n')[0] ?? ''])),
      ...section('MORE COMMANDS', rest.map(row)),
      this.section('MORE', [`${bin} COMMAND --help   one command, with examples`, `${bin} help exit-codes  what each exit status means`, `${bin} completion       tab completion for your shell`].join('\n')),
    ]) this.log(line)
  }

  protected override async showTopicHelp(topic: Topic): Promise<void> {
    await super.showTopicHelp(topic)
    const examples = this.sortedCommands
      .filter(({id}) => id.startsWith(`${topic.name}:`) || id.startsWith(`${topic.name} `))
      .flatMap(({examples: [one] = []}) => (one === undefined || typeof one === 'string' ? [] : [one]))
      .slice(0, 4)
    if (examples.length === 0) return
    const rows = examples.map(({command, description}): [string, string] => [`$ ${this.render(command)}`, description])
    this.log(this.section('EXAMPLES', this.renderList(rows, {indentation: 2, spacer: '\n', stripAnsi: this.opts.stripAnsi ?? false})))
  }
}

