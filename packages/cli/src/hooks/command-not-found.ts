import type {Hook} from '@oclif/core/interfaces'
import {reportError} from '@cgpu/plugin-sdk'
import {unknownCommand} from '../shell/unknown-command.ts'

/** Says what was likely meant, and never asks: exit 127. */
const hook: Hook<'command_not_found'> = async function ({argv, config, id}) {
  const spaced = (name: string): string => name.replaceAll(':', ' ')
  const commands = config.commands.filter((command) => !command.hidden)
  const known = {
    commands: commands.flatMap((command) => [command.id, ...command.aliases]).map(spaced),
    topics: config.topics.filter((topic) => !topic.hidden).map((topic) => spaced(topic.name)),
  }
  const error = unknownCommand(id, known, config.bin)
  const args = argv ?? []
  reportError(error, {command: '', json: args.includes('--json'), verbose: false})
  process.exitCode = error.exit
}

export default hook
