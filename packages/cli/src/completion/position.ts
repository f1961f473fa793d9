import type {CommandEntry, FlagEntry} from './types.ts'

/** Flags that were typed, by name, with their values; those that take none have an empty list. */
export type Given = ReadonlyMap<string, readonly string[]>

/** What the words before the cursor mean. */
export interface Position {
  command: CommandEntry | undefined
  /** words of the command's name, or of the beginning of one */
  path: string[]
  /** positional arguments so far */
  positionals: string[]
  given: Given
  /** the flag whose value is being typed */
  pending: FlagEntry | undefined
  /** behind the remote program's name, or behind `--` */
  remote: 'program' | 'separated' | undefined
  /** the flag that is spelt so: `--runtime`, `-r` */
  flagOf: (token: string) => FlagEntry | undefined
}

function findFlag(command: CommandEntry | undefined, token: string): FlagEntry | undefined {
  return command?.flags.find(({name, char, aliases = [], charAliases = [], allowNo}) =>
    [name, ...aliases].some((one) => token === `--${one}`) || [char, ...charAliases].some((one) => one !== undefined && token === `-${one}`) || (allowNo && token === `--no-${name}`))
}

/** The words of the command's name at the beginning of `words`. */
function pathOf(words: readonly string[], commands: readonly CommandEntry[]): string[] {
  const path: string[] = []
  for (const word of words) {
    const next = [...path, word].join(' ')
    if (!commands.some(({name}) => name === next || name.startsWith(`${next} `))) break
    path.push(word)
  }
  return path
}

/** `before`: the words behind `cgpu` that are complete. */
export function read(before: readonly string[], commands: readonly CommandEntry[]): Position {
  const path = pathOf(before, commands)
  const command = commands.find(({name}) => name === path.join(' '))
  const given = new Map<string, string[]>()
  const position: Position = {command, path, positionals: [], given, pending: undefined, remote: undefined, flagOf: (token) => findFlag(command, token)}
  const give = (flag: FlagEntry, ...values: string[]): void => void given.set(flag.name, [...(given.get(flag.name) ?? []), ...values])
  for (let i = path.length; i < before.length; i++) {
    const token = before[i]!
    if (token === '--') return {...position, remote: 'separated'}
    if (!command || !token.startsWith('-') || token === '-') {
      position.positionals.push(token)
      if (command?.remoteArgs) return {...position, remote: 'program'}
      continue
    }
    for (const {flag, value} of flagsOf(token, position)) {
      if (flag.type === 'boolean') give(flag)
      else if (value !== undefined) give(flag, value)
      else if (i + 1 < before.length) give(flag, before[++i]!)
      else position.pending = flag
    }
  }
  return position
}

/** `--gpu=t4`, `--gpu`, `-qr`, `-rtrainer`: the flags of one word, the value where the word holds it. */
function flagsOf(token: string, {flagOf}: Position): {flag: FlagEntry; value?: string}[] {
  if (token.startsWith('--')) {
    const [head = token, value] = token.split(/=(.*)/s)
    const flag = flagOf(head)
    return flag ? [value === undefined ? {flag} : {flag, value}] : []
  }
  const found: {flag: FlagEntry; value?: string}[] = []
  for (let i = 1; i < token.length; i++) {
    const flag = flagOf(`-${token[i]!}`)
    if (!flag) break
    const value = token.slice(i + 1).replace(/^=/, '')
    if (flag.type === 'option') return [...found, value === '' ? {flag} : {flag, value}]
    found.push({flag})
  }
  return found
}
