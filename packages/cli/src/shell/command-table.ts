import {splitRemoteArgs, type FlagShape} from '@cgpu/plugin-sdk'

/** What is known of a command before its code is loaded. */
export interface CommandEntry {
  /** accepts positional arguments */
  takesArgs: boolean
  /** everything behind its first positional argument belongs to a remote program; then `flags` is there */
  remoteArgs: boolean
  flags?: Record<string, FlagShape>
  /** works on oclif's whole config (all plugins, all commands) */
  fullConfig: boolean
  /** asks no plugin */
  standalone: boolean
}

/** Made from the manifest by the build. Ids and aliases with colons: `runtime:list`. */
export interface CommandTable {
  version: string
  commands: Record<string, CommandEntry>
  aliases: Record<string, string>
  /** events that a bundled plugin or the CLI itself has hooks for */
  hookEvents: string[]
  /** names of the CLI and of the plugins that come along */
  plugins: string[]
}

export interface FoundCommand {
  id: string
  argv: string[]
  entry: CommandEntry
}

function prefixes(table: CommandTable, others: readonly string[]): Set<string> {
  const all = new Set<string>()
  for (const id of [...Object.keys(table.commands), ...Object.keys(table.aliases), ...others]) {
    const words = id.split(':')
    for (let length = 1; length <= words.length; length++) all.add(words.slice(0, length).join(':'))
  }
  return all
}

/**
 * The command of ours that `argv` begins with, found as oclif finds it. Undefined: it is none of ours, or what was typed is
 * not plainly right; oclif then decides and explains. `others`: what plugins bring, ids and aliases with colons.
 */
export function findCommand(argv: readonly string[], table: CommandTable, others: readonly string[] = []): FoundCommand | undefined {
  if (argv[0]?.includes(':')) return undefined
  const known = prefixes(table, others)
  let typed = ''
  let used = 0
  for (const word of argv) {
    const next = typed === '' ? word : `${typed}:${word}`
    if (!known.has(next)) break
    typed = next
    used++
  }
  const id = Object.hasOwn(table.commands, typed) ? typed : Object.hasOwn(table.aliases, typed) ? table.aliases[typed] : undefined
  const entry = id === undefined ? undefined : table.commands[id]
  if (id === undefined || !entry) return undefined
  const following = argv[used]
  const mistaken = following !== undefined && !following.startsWith('-') && !following.includes('=') && !entry.takesArgs
  return mistaken ? undefined : {id, argv: argv.slice(used), entry}
}

/** Whether cgpu's own part of the arguments asks for help; a remote program's `--help` is its own. */
export function wantsHelp({argv, entry}: FoundCommand): boolean {
  let own: readonly string[] = argv
  if (entry.remoteArgs) {
    try {
      own = splitRemoteArgs(argv, entry.flags ?? {}).own
    } catch {
      // an unknown flag, explained by the command itself
    }
  }
  return asksForHelp(own)
}

/** As oclif: anywhere before `--`. */
export function asksForHelp(argv: readonly string[]): boolean {
  const end = argv.indexOf('--')
  return argv.slice(0, end === -1 ? argv.length : end).some((token) => token === '--help' || token === '-h')
}
