import {CgpuError, closest, ExitCode, sanitizeLine} from '@cgpu/plugin-sdk'

/** What can be typed after `cgpu`, words separated by spaces. */
export interface KnownCommands {
  commands: string[]
  topics: string[]
}

/** The command that was likely meant: the longest stretch of what was typed that resembles one. */
export function suggestCommand(words: string[], {commands, topics}: KnownCommands): string | undefined {
  const all = [...commands, ...topics]
  for (let length = Math.min(words.length, 4); length > 0; length--) {
    const typed = words.slice(0, length)
    if (topics.includes(typed.join(' '))) return undefined
    const before = typed.slice(0, -1).join(' ')
    // below a topic that exists, only its own commands are near; else compare the whole phrase
    const siblings = before !== '' && topics.includes(before) ? all.filter((name) => name.startsWith(`${before} `)) : []
    const found = siblings.length > 0
      ? closest(typed.at(-1)!, siblings.map((name) => name.slice(before.length + 1)))
      : closest(typed.join(' '), all.filter((name) => name.split(' ').length === length))
    if (found !== undefined && found !== typed.join(' ')) return siblings.length > 0 ? `${before} ${found}` : found
  }
  return undefined
}

/** UNKNOWN_COMMAND, exit 127. `id` is what oclif took for a command: `runtime:lst`. */
export function unknownCommand(id: string, known: KnownCommands, bin = 'cgpu'): CgpuError {
  const words = id.split(':').filter(Boolean)
  const suggestion = suggestCommand(words, known)
  // the deepest topic that exists: what follows it is the word that nobody knows
  const depth = words.findLastIndex((_, i) => known.topics.includes(words.slice(0, i + 1).join(' '))) + 1
  const topic = words.slice(0, depth).map((word) => ` ${word}`).join('')
  const shown = sanitizeLine(words.slice(0, depth + 1).join(' '), 80)
  return new CgpuError(`"${shown}" is not a command of ${bin}`, {
    code: 'UNKNOWN_COMMAND', category: 'usage', exit: ExitCode.unknownCommand,
    fix: suggestion === undefined ? `see ${bin}${topic} --help` : `did you mean "${bin} ${suggestion}"?`,
    ...(suggestion === undefined ? {} : {details: {suggestion}}),
  })
}
