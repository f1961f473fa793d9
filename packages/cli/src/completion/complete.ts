import {fetchedLater} from '../shell/pinned.ts'
import {read, type Position} from './position.ts'
import {argumentValues, flagValues} from './values.ts'
import type {Candidate, CommandEntry, Completion, CompletionSources, FlagEntry} from './types.ts'

function subcommands({path}: Position, commands: readonly CommandEntry[]): Candidate[] {
  const found = new Map<string, string>()
  for (const {name, summary, fetched} of commands) {
    const words = name.split(' ')
    if (words.length <= path.length || !path.every((word, i) => words[i] === word)) continue
    const word = words[path.length]!
    if (words.length === path.length + 1) found.set(word, summary)
    else if (!found.has(word)) found.set(word, `${word} commands${fetched === undefined ? '' : fetchedLater}`)
  }
  return [...found].map(([value, description]) => ({value, description}))
}

/** Those that can still be given: not twice, and not beside one that excludes it. */
function flagNames({command, given}: Position): Candidate[] {
  const flags = command?.flags ?? []
  const excluded = new Set(flags.flatMap(({name, exclusive = []}) => [...(given.has(name) ? exclusive : []), ...(exclusive.some((one) => given.has(one)) ? [name] : [])]))
  return flags
    .filter(({hidden, multiple, name}) => !hidden && !excluded.has(name) && (multiple || !given.has(name)))
    .flatMap(({name, summary: description, allowNo}) => [{value: `--${name}`, description}, ...(allowNo ? [{value: `--no-${name}`, description}] : [])])
    .concat({value: '--help', description: 'show help'})
}

/** flags whose value is a list with commas; `typed` is what stands there of it */
const lists = new Set(['category', 'gpu', 'tpu', 'scopes', 'status'])

async function valuesOf(flag: FlagEntry, typed: string, position: Position, sources: CompletionSources): Promise<Completion> {
  const {candidates, directives} = await flagValues(flag, position, sources)
  const before = lists.has(flag.name) ? typed.slice(0, typed.lastIndexOf(',') + 1) : ''
  const chosen = [...before.split(','), ...(position.given.get(flag.name) ?? [])]
  return {candidates: candidates.filter(({value}) => !chosen.includes(value)).map((one) => ({...one, value: `${before}${one.value}`})), directives}
}

const nothing: Completion = {candidates: [], directives: []}

/** A name that a machine or a file gave must not be taken for a flag. */
const noFlag = ({value}: Candidate): boolean => !value.startsWith('-')

async function possible(position: Position, current: string, commands: readonly CommandEntry[], sources: CompletionSources): Promise<Completion> {
  const {command, pending, remote, positionals} = position
  if (remote === 'separated') return nothing
  if (remote === 'program') return {candidates: [], directives: ['files']}
  if (pending) {
    const {candidates, directives} = await valuesOf(pending, current, position, sources)
    return {candidates: candidates.filter(noFlag), directives}
  }
  const equals = /^(--[\w-]+)=/.exec(current)
  if (command && equals) {
    const flag = position.flagOf(equals[1]!)
    if (!flag || flag.type === 'boolean') return nothing
    const {candidates, directives} = await valuesOf(flag, current.slice(equals[0].length), position, sources)
    return {candidates: candidates.map(({value, description}) => ({value: `${equals[0]}${value}`, description})), directives}
  }
  if (current.startsWith('-')) return {candidates: flagNames(position), directives: []}
  const names = positionals.length === 0 ? subcommands(position, commands) : []
  const args = command && (positionals.length < command.args || !command.strict)
    ? await argumentValues({...position, command, current, commands}, sources)
    : nothing
  return {candidates: [...names, ...args.candidates.filter(noFlag)], directives: args.directives}
}

/** What a shell could not show, or not take for one word: controls, what turns the direction of text, separators, halves of characters. */
const unfit = /[\p{Cc}\p{Zl}\p{Zp}\p{Cs}\u061c\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff\ufff9-\ufffb\ufffd]/u

/** What may stand at the cursor: `words` are those behind `cgpu`, the last one is being typed and may be ''. */
export async function complete(words: readonly string[], commands: readonly CommandEntry[], sources: CompletionSources): Promise<Completion> {
  const end = words.indexOf('--')
  // what is scheduled is a command line of its own
  if (words[0] === 'schedule' && words[1] === 'create' && end !== -1 && end < words.length - 1) return complete(words.slice(end + 1), commands, sources)
  const current = words.at(-1) ?? ''
  const {candidates, directives} = await possible(read(words.slice(0, -1), commands), current, commands, sources)
  const seen = new Set<string>()
  const matching = candidates.filter(({value}) => value.startsWith(current) && !unfit.test(value) && !seen.has(value) && seen.add(value))
  return {candidates: matching.sort((a, b) => (a.value < b.value ? -1 : a.value > b.value ? 1 : 0)), directives: matching.some(goesOn) ? [...directives, 'nospace'] : directives}
}

/** Whether more is to be typed behind it. */
export const goesOn = ({value}: Candidate): boolean => /[:/]$/.test(value)
