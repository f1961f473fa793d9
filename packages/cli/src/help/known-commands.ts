import type {Config} from '@oclif/core/interfaces'
import type {KnownCommands} from '../shell/unknown-command.ts'

const spaced = (name: string): string => name.replaceAll(':', ' ')

/** What may be typed, hidden commands left out. */
export function knownCommands({commands: all, topics}: Pick<Config, 'commands' | 'topics'>): KnownCommands {
  const commands = all.filter(({hidden}) => !hidden).flatMap(({id, aliases}) => [id, ...aliases]).map(spaced)
  // oclif lists a topic for every command, also where nothing is below it
  const parents = topics.filter(({hidden, name}) => !hidden && commands.some((command) => command.startsWith(`${spaced(name)} `)))
  return {commands: [...new Set(commands)], topics: parents.map(({name}) => spaced(name))}
}

/** Whether a command or topic begins with what was typed, or what was typed begins with a command. */
export function isKnown(words: readonly string[], {commands, topics}: KnownCommands): boolean {
  const typed = spaced(words.join(' '))
  return [...commands, ...topics].some((name) => name === typed || name.startsWith(`${typed} `)) || commands.some((name) => typed.startsWith(`${name} `))
}
