import {resolve} from 'node:path'
import {isAddress} from '../addresses/address.ts'

type FlagValue = string | number | boolean | readonly string[] | undefined

/** flags of `notebook run` whose value is a path of this computer */
const paths = new Set(['out', 'include', 'parameters-file', 'junit', 'html', 'matrix', 'fetch-to'])

const absolute = (place: string): string => (place === '-' || isAddress(place) ? place : resolve(place))

/** The words of `cgpu notebook run` with these flags, and paths that hold wherever it runs. `--fetch` and `--cwd` are of the runtime. */
export function runWords(notebooks: readonly string[], flags: Readonly<Record<string, FlagValue>>): string[] {
  const words = Object.entries(flags).flatMap(([name, value]) => {
    if (value === undefined) return []
    if (typeof value === 'boolean') return [`--${value ? '' : 'no-'}${name}`]
    // sets may be given as text in place of a file
    const place = (one: string): string => (paths.has(name) && !(name === 'matrix' && one.includes('=')) ? withEnding(one, absolute(one)) : one)
    return [value].flat().map((one) => `--${name}=${typeof one === 'string' ? place(one) : String(one)}`)
  })
  return ['notebook', 'run', ...notebooks.map(absolute), ...words]
}

/** A slash at the end says that it is a folder. */
const withEnding = (given: string, made: string): string => (/[/\\]$/.test(given) && !/[/\\]$/.test(made) ? `${made}/` : made)
