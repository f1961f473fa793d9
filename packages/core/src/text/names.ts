import {errors} from '../errors.ts'
import {didYouMean} from './closest.ts'
import {sanitizeLine} from './line.ts'

export {closest} from './closest.ts'

const nameRule = /^[a-z0-9][a-z0-9-]{0,39}$/

/** Returns the name, or throws INVALID_NAME (exit 64) with the rule. `what` is the noun for the message. */
export function validateName(name: string, what = 'runtime'): string {
  if (nameRule.test(name)) return name
  const shown = sanitizeLine(name, 60)
  throw errors.usage(name === '' ? `a ${what} name cannot be empty` : `"${shown}" cannot be a ${what} name`, {
    code: 'INVALID_NAME',
    fix: 'use 1 to 40 of a-z, 0-9 and "-", starting with a letter or digit',
    details: {name: shown},
  })
}

/** An adjective-noun name that is not taken; after many collisions a number is added. `random` gives [0, 1). */
export function generateName(taken: Iterable<string> = [], random: () => number = Math.random): string {
  const used = new Set(taken)
  for (let attempt = 0; ; attempt++) {
    const name = `${pick(adjectives, random)}-${pick(nouns, random)}${attempt < 20 ? '' : `-${attempt - 18}`}`
    if (!used.has(name)) return name
  }
}

function pick(words: readonly string[], random: () => number): string {
  return words[Math.min(words.length - 1, Math.floor(random() * words.length))] ?? 'plain'
}

/** Something that can be named on the command line. */
export interface Named {
  id: string
  name?: string | undefined
}

/**
 * The item that `query` means: its exact name, else its exact id, else the only one whose name or id starts with it.
 * Throws NOT_FOUND (exit 66) with a did-you-mean, or AMBIGUOUS (exit 64) with the candidates.
 */
export function matchPrefix<T extends Named>(query: string, items: readonly T[], what = 'runtime'): T {
  const byName = items.filter(item => item.name === query)
  const exact = byName.length > 0 ? byName : items.filter(item => item.id === query)
  const found = exact.length > 0 || query === '' ? exact : items.filter(item => item.name?.startsWith(query) || item.id.startsWith(query))
  const [only] = found
  if (only !== undefined && found.length === 1) return only
  if (found.length > 1) throw ambiguous(query, found, what)
  throw notFound(query, items, what)
}

function ambiguous(query: string, found: readonly Named[], what: string): Error {
  const labels = found.map(item => (found.some(other => other !== item && label(other) === label(item)) ? item.id : label(item)))
  return errors.usage(`"${sanitizeLine(query, 60)}" matches ${found.length} ${what}s: ${list(labels)}`, {
    code: 'AMBIGUOUS', fix: 'give more of the name, or the id', details: {query, candidates: found.slice(0, 20).map(item => ({id: item.id, name: item.name ?? null}))},
  })
}

function notFound(query: string, items: readonly Named[], what: string): Error {
  const names = items.map(label)
  const hint = didYouMean(query, names)
  return errors.notFound(`there is no ${what} "${sanitizeLine(query, 60)}"`, {
    code: 'NOT_FOUND',
    fix: hint ?? (names.length > 0 ? `choose one of: ${list(names)}` : what === 'runtime' ? 'make one: cgpu runtime create' : `there are no ${what}s yet`),
    details: {query},
  })
}

const label = (item: Named): string => sanitizeLine(item.name ?? item.id, 60)

function list(names: readonly string[], max = 8): string {
  const rest = names.length - max
  return names.slice(0, max).join(', ') + (rest > 0 ? ` and ${rest} more` : '')
}

const adjectives = [
  'amber', 'ample', 'apt', 'bold', 'brave', 'brief', 'bright', 'brisk', 'calm', 'civil', 'clean', 'clear', 'clever', 'cool',
  'crisp', 'deep', 'dry', 'eager', 'early', 'easy', 'even', 'fair', 'fast', 'fine', 'firm', 'fleet', 'fond', 'free', 'fresh',
  'gentle', 'glad', 'grand', 'green', 'handy', 'happy', 'hardy', 'keen', 'kind', 'late', 'level', 'light', 'lively', 'loyal',
  'lucid', 'lucky', 'mellow', 'merry', 'mild', 'neat', 'nimble', 'noble', 'open', 'plain', 'prime', 'proud', 'quick', 'quiet',
  'rapid', 'ready', 'round', 'sharp', 'silent', 'smart', 'solid', 'steady', 'sunny', 'swift', 'tidy', 'vivid', 'warm', 'wise',
] as const

const nouns = [
  'acorn', 'alder', 'apple', 'aspen', 'badger', 'bay', 'beech', 'birch', 'brook', 'canyon', 'cedar', 'cliff', 'cloud', 'comet',
  'coral', 'crane', 'creek', 'delta', 'dune', 'eagle', 'elm', 'ember', 'falcon', 'fern', 'field', 'finch', 'fjord', 'forest',
  'fox', 'glade', 'grove', 'harbor', 'hawk', 'hazel', 'heron', 'hill', 'iris', 'island', 'juniper', 'kestrel', 'lake', 'larch',
  'lark', 'linden', 'lotus', 'lynx', 'maple', 'marsh', 'meadow', 'mesa', 'moon', 'moss', 'oak', 'ocean', 'otter', 'owl', 'pine',
  'plum', 'pond', 'quartz', 'raven', 'reef', 'ridge', 'river', 'robin', 'sage', 'spruce', 'star', 'stone', 'summit', 'thistle',
  'tide', 'valley', 'willow', 'wren',
] as const
