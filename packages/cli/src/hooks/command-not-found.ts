import type {Hook} from '@oclif/core/interfaces'
import {errors, inert, reportError, sanitizeLine, takeEarlyWarnings} from '@cgpu/plugin-sdk'
import {knownCommands} from '../help/known-commands.ts'
import {unknownCommand} from '../shell/unknown-command.ts'

/** Says what was likely meant, and never asks: exit 127; 64 where only an argument is too much. */
const hook: Hook<'command_not_found'> = async function ({argv, config, id}) {
  const words = id.split(':')
  const known = knownCommands(config)
  // oclif takes `version x` for the command "version:x"
  const complete = words.length > 1 ? known.commands.filter((name) => words.join(' ').startsWith(`${name} `)).sort((a, b) => b.length - a.length)[0] : undefined
  const extra = complete === undefined || known.topics.includes(complete) ? undefined : words[complete.split(' ').length]
  const error = extra === undefined
    ? unknownCommand(id, known, config.bin)
    : errors.usage(`${config.bin} ${complete} takes no argument "${sanitizeLine(extra, 80)}"`, {code: 'USAGE', fix: `see ${config.bin} ${complete} --help`})
  const json = (argv ?? []).includes('--json')
  // it may be the command of a plugin that could not be loaded
  const warnings = takeEarlyWarnings()
  if (!json && !(argv ?? []).some((token) => token === '--quiet' || token === '-q')) for (const warning of warnings) process.stderr.write(`warning: ${inert(warning)}\n`)
  reportError(error, {command: extra === undefined ? '' : (complete ?? '').replaceAll(' ', ':'), json, verbose: false, warnings})
  process.exitCode = error.exit
}

export default hook
