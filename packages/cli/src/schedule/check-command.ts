import {errors} from '@cgpu/core/errors'
import {splitRemoteArgs} from '@cgpu/plugin-sdk'
import type {CommandEntry} from '../completion/types.ts'
import {type KnownCommands, unknownCommand} from '../shell/unknown-command.ts'

/** What asks somebody, or would schedule without an end. */
const attended: Record<string, string> = {
  'auth:login': 'cgpu auth login asks you to sign in: do it before, and schedule what needs it',
  'secret:set': 'cgpu secret set reads a secret from you: do it before, and schedule what needs it',
}

/**
 * Checks the command line of a schedule as far as that can be done before it runs: the command and its flags exist, and nobody is asked.
 * Returns the variables that it takes from its environment. Throws COMMAND_REQUIRED, UNKNOWN_COMMAND, UNKNOWN_FLAG or NOT_UNATTENDED (64).
 */
export function checkCommand(argv: readonly string[], commands: readonly CommandEntry[]): {envNames: string[]} {
  const [first] = argv
  if (first === undefined) throw errors.usage('schedule which command?', {code: 'COMMAND_REQUIRED', fix: 'put it behind --: cgpu schedule create nightly --cron "0 3 * * *" -- run train.py'})
  if (first === 'cgpu') throw errors.usage('the command of a schedule begins behind "cgpu"', {code: 'UNKNOWN_COMMAND', fix: 'leave out "cgpu"'})
  const found = commands.filter(({name}) => name.split(' ').every((word, i) => argv[i] === word)).sort((a, b) => b.name.length - a.name.length)[0]
  if (!found) throw notThere(argv, commands)
  const own = ownArguments(found, argv.slice(found.name.split(' ').length))
  const why = found.id.startsWith('schedule:') ? 'a schedule cannot be about schedules: schedule the command itself' : attended[found.id]
  if (why !== undefined) throw errors.usage(`nobody is there to run "cgpu ${found.name}"`, {code: 'NOT_UNATTENDED', fix: why})
  if (found.id === 'exec' && own.at(-1) === '-') throw errors.usage('nobody is there to type the code for "exec -"', {code: 'NOT_UNATTENDED', fix: 'put it into a file: exec --file FILE'})
  return {envNames: envNames(own)}
}

function notThere(argv: readonly string[], commands: readonly CommandEntry[]): Error {
  const {message, fix, details} = unknownCommand(argv.filter((word) => !word.startsWith('-')).join(':') || String(argv[0]), known(commands))
  return errors.usage(message, {code: 'UNKNOWN_COMMAND', fix, ...(details ? {details} : {})})
}

function known(commands: readonly CommandEntry[]): KnownCommands {
  const names = commands.map(({name}) => name)
  const topics = names.flatMap((name) => name.split(' ').slice(0, -1).map((_, i, words) => words.slice(0, i + 1).join(' ')))
  return {commands: names, topics: [...new Set(topics)]}
}

/** cgpu's own part of the arguments, without the remote program's. */
function ownArguments({flags, remoteArgs}: CommandEntry, given: readonly string[]): string[] {
  const shapes = Object.fromEntries(flags.map((flag) => [flag.name, flag]))
  const all: string[] = []
  for (let left = given; left.length > 0;) {
    const {own, rest, separator} = splitRemoteArgs(left, shapes)
    all.push(...own)
    // the code of an exec is looked at for `-`, and a script's name is none of our flags
    if (separator || remoteArgs) return [...all, ...rest.slice(0, 1)]
    all.push(...rest.slice(0, 1))
    left = rest.slice(1)
  }
  return all
}

/** `-e NAME` without a value. */
function envNames(own: readonly string[]): string[] {
  const given = own.flatMap((token, i) => {
    if (token === '--env' || token === '-e') return own.slice(i + 1, i + 2)
    const [, value] = /^(?:--env=|-e(?=\w))(.*)$/s.exec(token) ?? []
    return value === undefined ? [] : [value]
  })
  return given.filter((one) => !one.includes('='))
}
