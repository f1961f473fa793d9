import {argumentValues, flagValues, withRuntime} from './values.ts'
import type {Candidate, CommandEntry, Completion, CompletionSources, FlagEntry} from './types.ts'

/** What the words before the cursor mean. */
interface Position {
  command: CommandEntry | undefined
  /** words of the command's name, or of the beginning of one */
  path: string[]
  /** positional arguments so far */
  positionals: string[]
  /** flags seen so far */
  given: Map<string, string | undefined>
  /** the flag whose value is being typed */
  pending: FlagEntry | undefined
  /** behind the remote program or `--` */
  remote: boolean
}

const findFlag = (command: CommandEntry, token: string): FlagEntry | undefined =>
  command.flags.find(({name, char}) => token === `--${name}` || (char !== undefined && token === `-${char}`))

function read(before: readonly string[], commands: readonly CommandEntry[]): Position {
  const path: string[] = []
  let i = 0
  for (; i < before.length; i++) {
    const next = [...path, before[i]].join(' ')
    if (!commands.some(({name}) => name === next || name.startsWith(`${next} `))) break
    path.push(before[i]!)
  }
  const command = commands.find(({name}) => name === path.join(' '))
  const position: Position = {command, path, positionals: [], given: new Map(), pending: undefined, remote: false}
  for (; i < before.length; i++) {
    const token = before[i]!
    if (token === '--') return {...position, remote: true}
    if (!command || !token.startsWith('-') || token === '-') {
      position.positionals.push(token)
      if (command?.remoteArgs) return {...position, remote: true}
      continue
    }
    const [head = token, value] = token.split(/=(.*)/s)
    const flag = findFlag(command, head)
    if (!flag) continue
    if (flag.type === 'boolean' || value !== undefined) position.given.set(flag.name, value)
    else if (i + 1 < before.length) position.given.set(flag.name, before[++i])
    else position.pending = flag
  }
  return position
}

function subcommands({path}: Position, commands: readonly CommandEntry[]): Candidate[] {
  const found = new Map<string, string>()
  for (const {name, summary} of commands) {
    const words = name.split(' ')
    if (words.length <= path.length || !path.every((word, i) => words[i] === word)) continue
    const word = words[path.length]!
    if (words.length === path.length + 1) found.set(word, summary)
    else if (!found.has(word)) found.set(word, `${word} commands`)
  }
  return [...found].map(([value, description]) => ({value, description}))
}

function flagNames({command, given}: Position): Candidate[] {
  return (command?.flags ?? [])
    .filter(({hidden, multiple, name}) => !hidden && (multiple || !given.has(name)))
    .flatMap(({name, summary: description, allowNo}) => [{value: `--${name}`, description}, ...(allowNo ? [{value: `--no-${name}`, description}] : [])])
    .concat({value: '--help', description: 'show help'})
}

/** flags whose value is a list with commas; `typed` is what stands there of it */
const lists = new Set(['category', 'gpu', 'tpu', 'scopes', 'status'])

async function valuesOf(flag: FlagEntry, typed: string, {command, given, positionals}: Position, sources: CompletionSources): Promise<Completion> {
  const {candidates, directives} = await flagValues({flag, command, given: withRuntime(given, command, positionals)}, sources)
  const before = lists.has(flag.name) ? typed.slice(0, typed.lastIndexOf(',') + 1) : ''
  const chosen = before.split(',')
  return {candidates: candidates.filter(({value}) => !chosen.includes(value)).map((one) => ({...one, value: `${before}${one.value}`})), directives}
}

const nothing: Completion = {candidates: [], directives: []}

async function possible(position: Position, current: string, commands: readonly CommandEntry[], sources: CompletionSources): Promise<Completion> {
  const {command, pending, remote, positionals} = position
  if (remote) return {candidates: [], directives: ['files']}
  if (pending) return valuesOf(pending, current, position, sources)
  const equals = /^(--[\w-]+)=/.exec(current)
  if (command && equals) {
    const flag = findFlag(command, equals[1]!)
    if (!flag || flag.type === 'boolean') return nothing
    const {candidates, directives} = await valuesOf(flag, current.slice(equals[0].length), position, sources)
    return {candidates: candidates.map(({value, description}) => ({value: `${equals[0]}${value}`, description})), directives}
  }
  if (current.startsWith('-')) return {candidates: flagNames(position), directives: []}
  const names = positionals.length === 0 ? subcommands(position, commands) : []
  const args = command && (positionals.length < command.args || !command.strict)
    ? await argumentValues({command, positionals, current, given: position.given, commands}, sources)
    : nothing
  return {candidates: [...names, ...args.candidates], directives: args.directives}
}

// a value with control characters could act on the terminal, or break the lines of the answer
const isShowable = ({value}: Candidate): boolean => !/[\p{Cc}\u2028\u2029\u202a-\u202e\u2066-\u2069]/u.test(value)

/** What may stand at the cursor: `words` are those behind `cgpu`, the last one is being typed and may be ''. */
export async function complete(words: readonly string[], commands: readonly CommandEntry[], sources: CompletionSources): Promise<Completion> {
  const end = words.indexOf('--')
  // what is scheduled is a command line of its own
  if (words[0] === 'schedule' && words[1] === 'create' && end !== -1 && end < words.length - 1) return complete(words.slice(end + 1), commands, sources)
  const current = words.at(-1) ?? ''
  const {candidates, directives} = await possible(read(words.slice(0, -1), commands), current, commands, sources)
  const seen = new Set<string>()
  const matching = candidates.filter((one) => one.value.startsWith(current) && isShowable(one) && !seen.has(one.value) && seen.add(one.value))
  const goesOn = matching.some(({value}) => /[:/]$/.test(value))
  return {candidates: matching.sort((a, b) => (a.value < b.value ? -1 : a.value > b.value ? 1 : 0)), directives: goesOn ? [...directives, 'nospace'] : directives}
}
