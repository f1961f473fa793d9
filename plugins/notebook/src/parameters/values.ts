import {readFile} from 'node:fs/promises'
import {type CgpuError, errors, sanitizeLine} from '@cgpu/plugin-sdk'
import type {Value} from './value.ts'

/** Parameters as they are given: `-p`, `-r` as NAME=VALUE, files, YAML, YAML in base64. */
export interface GivenParameters {
  typed: readonly string[]
  raw: readonly string[]
  files: readonly string[]
  yaml: readonly string[]
  base64: readonly string[]
}

const pairFlags: Record<string, string> = {'-p': '--parameters', '--parameters': '--parameters', '-r': '--parameters-raw', '--parameters-raw': '--parameters-raw'}

/** `-p NAME VALUE`, which takes two words as with papermill, as one: `--parameters=NAME=VALUE`. NAME=VALUE in one word is taken as it is. */
export function joinPairs(argv: readonly string[]): string[] {
  const out: string[] = []
  for (let at = 0; at < argv.length; at++) {
    const word = argv[at] ?? ''
    if (word === '--') return [...out, ...argv.slice(at)]
    const flag = pairFlags[word]
    const name = argv[at + 1]
    if (flag === undefined) out.push(word)
    else if (name?.includes('=')) {
      out.push(`${flag}=${name}`)
      at += 1
    } else {
      const value = argv[at + 2]
      if (name === undefined || value === undefined) throw errors.usage(`${word} needs a name and a value`, {code: 'USAGE', fix: `such as ${word} epochs 3${word === '-r' ? '; a runtime is chosen with --runtime NAME' : ''}`})
      out.push(`${flag}=${name}=${value}`)
      at += 2
    }
  }
  return out
}

/** All of them in papermill's order: what is given by `-r` wins over `-p`, that over `-y`, `-f`, `-b`. Throws INVALID_PARAMETER (64), PARAMETERS_FILE (65, 66). */
export async function readParameters({typed, raw, files, yaml, base64}: GivenParameters): Promise<Record<string, Value>> {
  const all: Record<string, Value> = {}
  for (const one of base64) Object.assign(all, await fromYaml(fromBase64(one), '-b'))
  for (const path of files) Object.assign(all, await fromYaml(await fileText(path), sanitizeLine(path)))
  for (const one of yaml) Object.assign(all, await fromYaml(one, '-y'))
  for (const one of typed) put(all, one, inferred)
  for (const one of raw) put(all, one, (text) => text)
  return all
}

function put(all: Record<string, Value>, pair: string, valueOf: (text: string) => Value): void {
  const at = pair.indexOf('=')
  if (at < 1) throw errors.usage(`"${sanitizeLine(pair, 80)}" is not NAME VALUE`, {code: 'INVALID_PARAMETER', fix: 'such as -p epochs 3'})
  all[pair.slice(0, at)] = valueOf(pair.slice(at + 1))
}

/** As Python reads it: True, False, None, an int, a float, else text. */
export function inferred(text: string): Value {
  if (text === 'True' || text === 'False') return text === 'True'
  if (text === 'None') return null
  const word = text.trim()
  const digits = word.replace(/(?<=\d)_(?=\d)/g, '')
  if (/^[+-]?\d+$/.test(digits)) return BigInt(digits.replace(/^\+/, ''))
  if (/^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(digits)) return Number(digits)
  if (/^[+-]?nan$/i.test(word)) return Number.NaN
  if (/^[+-]?inf(inity)?$/i.test(word)) return word.startsWith('-') ? -Infinity : Infinity
  return text
}

/** Both alphabets, with or without `=` at the end. */
function fromBase64(text: string): string {
  if (!/^[\w+/-]+={0,2}$/.test(text.replaceAll(/\s/g, ''))) throw errors.data('-b: the parameters are not base64', {code: 'PARAMETERS_INVALID', category: 'file', fix: 'give YAML in base64, as of: echo "epochs: 3" | base64'})
  return Buffer.from(text, 'base64').toString('utf8')
}

async function fromYaml(text: string, where: string): Promise<Record<string, Value>> {
  const bad = (why: string) => errors.data(`${where}: the parameters ${why}`, {code: 'PARAMETERS_INVALID', category: 'file', fix: 'give YAML or JSON such as {epochs: 3}'})
  const value = await parseYaml(text, bad)
  if (value === null || value === undefined) return {}
  if (typeof value !== 'object' || Array.isArray(value)) throw bad('are not names with values')
  return value as Record<string, Value> // YAML's types are those of Value
}

/** As PyYAML reads it, without dates: those stay text. Throws what `bad` makes of the reason. */
export async function parseYaml(text: string, bad: (why: string) => CgpuError): Promise<unknown> {
  const {parseDocument} = await import('yaml')
  const document = parseDocument(text, {version: '1.1', intAsBigInt: true, customTags: (tags) => tags.filter((tag) => typeof tag === 'string' || tag.tag !== 'tag:yaml.org,2002:timestamp')})
  const [problem] = document.errors
  if (problem) throw bad(`are not YAML: ${sanitizeLine(problem.message.split('\n')[0]?.replace(/:$/, '') ?? '', 200)}`)
  try {
    return document.toJS({maxAliasCount: 100})
  } catch (error) {
    throw bad(`cannot be read: ${sanitizeLine(error instanceof Error ? error.message : String(error), 200)}`)
  }
}

async function fileText(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8')
  } catch (error) {
    throw errors.notFound(`${sanitizeLine(path)}: the parameters cannot be read`, {code: 'PARAMETERS_FILE', category: 'file', fix: 'give the path of a YAML or JSON file', cause: error})
  }
}

/** For JSON: whole numbers as numbers, or as text where JSON's readers would lose digits; what JSON lacks as text. */
export function plain(value: Value): unknown {
  if (typeof value === 'bigint') return Number.isSafeInteger(Number(value)) ? Number(value) : String(value)
  if (typeof value === 'number') return Number.isFinite(value) ? value : String(value)
  if (Array.isArray(value)) return value.map(plain)
  if (typeof value === 'object' && value !== null) return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, plain(one)]))
  return value
}
